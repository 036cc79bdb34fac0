#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# Ruby's acme-client: RSA and EC keys, several names, renewal.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeResponder;
use AcmeServer;
use AcmeTool;

AcmeTool->need_library('ruby-acme-client', 'ruby', '-racme-client', '-e', '0');

my $responder = AcmeResponder->new;
my $server = AcmeServer->new(http01_port => $responder->{port})->start;
my $tool   = AcmeTool->new(server => $server,
    env => { SSL_CERT_FILE => 'ROOTS' });

sub get {
    my ($what, $kind, @names) = @_;
    my $out = "$tool->{dir}/$kind";
    mkdir $out;
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

is_deeply([$tool->refused], [], 'no request was refused');
$server->finish;
done_testing;
