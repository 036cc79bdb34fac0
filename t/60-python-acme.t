#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# Python's acme, the library of certbot and others: RSA and EC account keys,
# several names, renewal with a known account, key rollover, revocation by
# account and by key.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeServer;
use AcmeTool;

AcmeTool->need_library('python3-acme', 'python3', '-c', 'import acme.client');

my $server = AcmeServer->new->start;
my $tool   = AcmeTool->new(server => $server,
    env => { REQUESTS_CA_BUNDLE => 'ROOTS' });

my $afterwards = '';

sub get {
    my ($what, $kind, @names) = @_;
    my $out = "$tool->{dir}/$kind";
    mkdir $out;
    $tool->{env}{AFTERWARDS} = $afterwards;
    my $text = $tool->run_ok("acme gets $what", 'python3',
        "$FindBin::Bin/clients/acme_client.py", $server->{directory},
        $server->{http01_port}, $out, $kind, @names);
    my $serial = $tool->certificate_ok("$what is good", "$out/chain.pem",
        names => \@names, kind => $kind, key => "$out/key.pem");
    return ($serial, $text);
}

my @names = ('b.test', 'c.test', 'd.test');
my ($rsa) = get('an RSA certificate', 'rsa', 'a.test');
my ($ec)  = get('an EC certificate', 'ec', @names);
for (['rsa', $rsa, 'a.test'], ['ec', $ec, @names]) {
    my ($kind, $old, @again) = @$_;
    my ($serial, $text) = get("a renewed certificate", $kind, @again);
    isnt($serial, $old, 'it is another one');
    like($text, qr/known account.*valid/, 'T33: the account was found again');
}
for my $kind (qw(rsa ec)) {
    $afterwards = 'rollover revoke';
    my ($serial, $text) = get("a certificate and rolls over", $kind, 'a.test');
    like($text, qr/still valid/, 'T42: the account has the new key');
    $tool->revoked_ok('T73: which revokes', $serial, 4);
    $afterwards = 'revoke-by-key';
    ($serial) = get("one more with the new key", $kind, 'a.test');
    $tool->revoked_ok('T73 T75: and its own key revokes', $serial, 1);
}

is_deeply([$tool->refused], [], 'no request was refused');
$server->finish;
done_testing;
