#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# Ruby's acme-client: RSA and EC keys, several names, renewal, key rollover,
# revocation.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeCheck ();
use AcmeResponder;
use AcmeServer;
use AcmeTool;

AcmeTool->need_library('ruby-acme-client', 'ruby', '-racme-client', '-e', '0');

my $responder = AcmeResponder->new;
my $server = AcmeServer->new(http01_port => $responder->{port})->start;
my $tool   = AcmeTool->new(server => $server,
    env => { SSL_CERT_FILE => 'ROOTS' });

my $afterwards = '';

sub get {
    my ($what, $kind, @names) = @_;
    my $out = "$tool->{dir}/$kind";
    mkdir $out;
    $tool->{env}{AFTERWARDS} = $afterwards;
    $tool->run_ok("acme-client gets $what", 'ruby',
        "$FindBin::Bin/clients/acme_client.rb", $server->{directory},
        $responder->{dir}, $out, $kind, @names);
    return $tool->certificate_ok("$what is good", "$out/chain.pem",
        names => \@names, kind => $kind, key => "$out/key.pem");
}

my @names = ('b.test', 'c.test', 'd.test');
my $rsa = get('an RSA certificate', 'rsa', 'a.test');
my $ec  = get('an EC certificate', 'ec', @names);
isnt(get('a renewed RSA certificate', 'rsa', 'a.test'), $rsa,
    'it is another one');
isnt(get('a renewed EC certificate', 'ec', @names), $ec, 'it is another one');
$afterwards = 'rollover';
get('a certificate, then another account key', 'ec', @names);
$afterwards = 'rollover revoke';
$ec = get('a certificate with that key, and again', 'ec', @names);
$tool->revoked_ok('T73: and revokes it with the newest key', $ec, 3);

is_deeply([$tool->refused], [], 'no request was refused');
my ($count) = split /\n/, AcmeCheck::sql($server,
    "SELECT count(*) FROM events WHERE kind = 'account.rekey'");
is($count, 2, 'T42: two rollovers');
$server->finish;
done_testing;
