#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# lego: EC and RSA keys, several names, a CSR of one's own, renewal, revocation,
# tls-alpn-01.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeServer;
use AcmeTool;

AcmeTool->need('lego');

my $alpn   = AcmeServer::free_port();
my $server = AcmeServer->new(
    vhost => "ACMEValidationPort tls-alpn-01 $alpn\nACMEAuthzReuse off")->start;
my $tool   = AcmeTool->new(server => $server,
    env => { LEGO_CA_CERTIFICATES => 'ROOTS' });
my $certs = "$tool->{dir}/lego/certificates";
my @base  = ('lego', '--server', $server->{directory}, '--accept-tos',
    '--email', 'admin@a.test', '--path', "$tool->{dir}/lego", '--http',
    '--http.port', "127.0.0.1:$server->{http01_port}");

sub domains { return map { ('--domains', $_) } @_ }

sub check {
    my ($what, $kind, @names) = @_;
    return $tool->certificate_ok("$what is good", "$certs/$names[0].crt",
        names => \@names, kind => $kind, key => "$certs/$names[0].key");
}

$tool->run_ok('lego gets an EC certificate', @base, domains('a.test'), 'run');
my $ec = check('the EC certificate', 'EC', 'a.test');
my @rsa = (domains('b.test', 'c.test', 'd.test'), '--key-type', 'rsa2048');
$tool->run_ok('lego gets an RSA certificate', @base, @rsa, 'run');
my $rsa = check('the RSA certificate', 'RSA', 'b.test', 'c.test', 'd.test');

my @renew = ('renew', '--days', 9999, '--no-random-sleep');
$tool->run_ok('lego renews', @base, domains('a.test'), @renew);
my $ec2 = check('the renewed EC certificate', 'EC', 'a.test');
isnt($ec2, $ec, 'it is another one');
$tool->run_ok('lego renews, keeping the key', @base, @rsa, @renew,
    '--reuse-key');
isnt(check('the renewed RSA certificate', 'RSA', 'b.test', 'c.test', 'd.test'),
    $rsa, 'it is another one');

AcmeServer::write_file("$tool->{dir}/e.csr",
    $tool->{checker}->csr(['e.test'], key => 'ec384', subject => '/CN=e.test'));
$tool->run_ok('lego has a CSR signed', @base, '--csr', "$tool->{dir}/e.csr",
    'run');
$tool->certificate_ok('the certificate is good', "$certs/e.test.crt",
    names => ['e.test'], kind => 'EC',
    key => "$tool->{checker}{dir}/cert.key");

$tool->run_ok('T73: lego revokes', @base, domains('a.test'), 'revoke',
    '--reason', 5);
$tool->revoked_ok('T75: with its reason', $ec2, 5);

my @tls = grep { !/^--http|^127/ } @base;
$tool->run_ok('T83: lego answers tls-alpn-01', @tls, '--tls', '--tls.port',
    "127.0.0.1:$alpn", domains('d.test', 'e.test'), 'run');
check('the certificate', 'EC', 'd.test', 'e.test');
is_deeply([$tool->proofs('tls-alpn-01')], ['d.test', 'e.test'],
    'T83: both names were proven so');
is_deeply([$tool->refused], [], 'no request was refused');
$server->finish;
done_testing;
