#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# dehydrated: RSA and EC keys, several names, renewal, revocation.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeResponder;
use AcmeServer;
use AcmeTool;

AcmeTool->need('dehydrated');

my $responder = AcmeResponder->new;
my $server = AcmeServer->new(http01_port => $responder->{port})->start;
my $tool   = AcmeTool->new(server => $server,
    env => { CURL_CA_BUNDLE => 'ROOTS' });
my $certs  = "$tool->{dir}/certs";
my $config = "$tool->{dir}/config.sh";
AcmeServer::write_file($config, <<"EOT");
CA="$server->{directory}"
BASEDIR="$tool->{dir}"
WELLKNOWN="$responder->{dir}"
KEYSIZE=2048
CONTACT_EMAIL=admin\@a.test
EOT
my @base = ('dehydrated', '--config', $config);

sub check {
    my ($what, $kind, @names) = @_;
    my $dir = "$certs/$names[0]";
    return $tool->certificate_ok("$what is good", "$dir/fullchain.pem",
        names => \@names, kind => $kind, key => "$dir/privkey.pem");
}

$tool->run_ok('dehydrated registers', @base, '--register', '--accept-terms');
my @rsa = ('--algo', 'rsa', map { ('-d', $_) } 'a.test', 'b.test', 'c.test');
$tool->run_ok('dehydrated gets an RSA certificate', @base, '-c', @rsa);
my $rsa = check('the RSA certificate', 'RSA', 'a.test', 'b.test', 'c.test');
my @ec = ('--algo', 'secp384r1', '-d', 'd.test');
$tool->run_ok('dehydrated gets an EC certificate', @base, '-c', @ec);
my $ec = check('the EC certificate', 'EC', 'd.test');

my $text = $tool->run_ok('dehydrated looks whether it must renew', @base,
    '-c', @ec);
like($text, qr/Skipping renew/, 'it need not');
$tool->run_ok('dehydrated renews by force', @base, '-c', '-x', @ec);
my $ec2 = check('the renewed EC certificate', 'EC', 'd.test');
isnt($ec2, $ec, 'it is another one');
$tool->run_ok('R14: dehydrated renews, and answers what is valid', @base, '-c',
    '-x', '--force-validation', @rsa);
isnt(check('the renewed RSA certificate', 'RSA', 'a.test', 'b.test', 'c.test'),
    $rsa, 'it is another one');
$tool->run_ok('R31: dehydrated updates its account', @base, '--account');
$tool->run_ok('T73: dehydrated revokes', @base, '--revoke',
    "$certs/d.test/cert.pem");
$tool->revoked_ok('T75: without a reason', $ec2, -1);

is_deeply([$tool->refused], [], 'no request was refused');
$server->finish;
done_testing;
