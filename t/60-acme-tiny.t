#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# acme-tiny: a nonce by GET before every request, one CSR, renewal.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeClient;
use AcmeResponder;
use AcmeServer;
use AcmeTool;

AcmeTool->need('acme-tiny');

my $responder = AcmeResponder->new;
my $server = AcmeServer->new(http01_port => $responder->{port})->start;
my $tool   = AcmeTool->new(server => $server,
    env => { SSL_CERT_FILE => 'ROOTS' });
my $dir = $tool->{dir};
AcmeClient::make_key('rsa2048', "$dir/account.key");

# Have a CSR signed: the certificate's file.
sub get {
    my ($name, $csr, $file, @args) = @_;
    my $text = $tool->run_ok($name, 'acme-tiny', '--directory-url',
        $server->{directory}, '--account-key', "$dir/account.key", '--csr',
        $csr, '--acme-dir', $responder->{dir}, '--disable-check', '--quiet',
        @args);
    AcmeServer::write_file($file, $text);
    return $file;
}

sub csr {
    my ($file, $key, $subject, @names) = @_;
    AcmeClient::make_key($key, "$file.key");
    AcmeClient::run('openssl', 'req', '-new', '-key', "$file.key", '-out',
        $file, '-subj', $subject, '-addext',
        'subjectAltName=' . join ',', map { "DNS:$_" } @names);
    return $file;
}

sub check {
    my ($what, $file, $csr, @names) = @_;
    return $tool->certificate_ok("$what is good", $file, names => \@names,
        key => "$csr.key");
}

my $rsa = csr("$dir/rsa.csr", 'rsa2048', '/CN=a.test', 'a.test');
my $one = check('the certificate', get('acme-tiny gets a certificate', $rsa,
    "$dir/rsa.pem", '--contact', 'mailto:admin@a.test'), $rsa, 'a.test');
my $two = check('the second certificate', get('acme-tiny renews', $rsa,
    "$dir/rsa.pem"), $rsa, 'a.test');
isnt($two, $one, 'it is another one');

my @names = map { "$_.test" } 'b' .. 'd';
my $ec = csr("$dir/ec.csr", 'ec256', '/', @names);
check('the certificate with three names', get('acme-tiny gets three names',
    $ec, "$dir/ec.pem"), $ec, @names);

is_deeply([$tool->refused], [], 'no request was refused');
$server->finish;
done_testing;
