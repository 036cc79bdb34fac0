#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# Libraries of other languages, each with a small program of ours that takes
# DIRECTORY WEBROOT OUT KIND NAME...: Node's acme-client and Go's x/crypto/acme.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use AcmeResponder;
use AcmeServer;
use AcmeTool;

my %program = (
    node => ['node', "$FindBin::Bin/acme_client.js"],
    go   => ['xcrypto'],
);
AcmeTool->need('node', 'xcrypto');

my $responder = AcmeResponder->new;
my $server = AcmeServer->new(http01_port => $responder->{port})->start;
my $tool   = AcmeTool->new(server => $server, env => {
    NODE_EXTRA_CA_CERTS => 'ROOTS', SSL_CERT_FILE => 'ROOTS',
    NODE_PATH => $ENV{NODE_PATH} });

sub get {
    my ($what, $language, $kind, @names) = @_;
    my $out = "$tool->{dir}/$language-$kind";
    mkdir $out;
    $tool->run_ok("$language gets $what", @{ $program{$language} },
        $server->{directory}, $responder->{dir}, $out, $kind, @names);
    return $tool->certificate_ok("$what is good", "$out/chain.pem",
        names => \@names, kind => $kind, key => "$out/key.pem");
}

for my $language (sort keys %program) {
    my @names = ('b.test', 'c.test', 'd.test');
    my $rsa = get('an RSA certificate', $language, 'rsa', 'a.test');
    my $ec = get('an EC certificate', $language, 'ec', @names);
    isnt(get('a renewed RSA certificate', $language, 'rsa', 'a.test'), $rsa,
        'it is another one');
    isnt(get('a renewed EC certificate', $language, 'ec', @names), $ec,
        'it is another one');
    $tool->{env}{AFTERWARDS} = 'rollover revoke';
    $ec = get('one, rolls over and revokes', $language, 'ec', @names);
    $tool->revoked_ok('T42 T73: by the new key', $ec, 4);
    next if $language ne 'go';
    $tool->{env}{AFTERWARDS} = 'revoke-by-key';
    $ec = get('one and revokes it by its key', $language, 'ec', @names);
    $tool->revoked_ok('T73 T75: which proves its compromise', $ec, 1);
}
continue { $tool->{env}{AFTERWARDS} = '' }

is_deeply([$tool->refused], [], 'no request was refused');
$server->finish;
done_testing;
