#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# uacme: EC and RSA keys, several names, an IP address, renewal, revocation,
# with the hook of its package.
#
# uacme believes /etc/ssl/certs and nothing else, so it runs in a mount
# namespace of its own, where the server's roots are all that is there.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeResponder;
use AcmeServer;
use AcmeSkip;
use AcmeTool;

AcmeTool->need('uacme', 'unshare');
my @unshare = ('unshare', $> == 0 ? () : '--map-root-user', '--mount');
skip_file 'no mount namespace to be had here'
    if system("@unshare true 2>/dev/null");

my $responder = AcmeResponder->new;
my $server = AcmeServer->new(http01_port => $responder->{port})->start;
my $tool   = AcmeTool->new(server => $server,
    env => { UACME_CHALLENGE_PATH => $responder->{dir} });
my $dir = "$tool->{dir}/uacme";
mkdir "$tool->{dir}/certs";
AcmeServer::write_file("$tool->{dir}/certs/roots.pem",
    AcmeServer::read_file($tool->{roots}));
my @base = (@unshare, 'sh', '-c',
    'mount --bind certs /etc/ssl/certs && exec uacme "$@"', 'uacme',
    '-a', $server->{directory}, '-c', $dir, '-y');
my $hook = '/usr/share/uacme/uacme.sh';

sub check {
    my ($what, $kind, @names) = @_;
    return $tool->certificate_ok("$what is good", "$dir/$names[0]/cert.pem",
        names => \@names, kind => $kind,
        key => "$dir/private/$names[0]/key.pem");
}

$tool->run_ok('R30: uacme makes an account', @base, 'new', 'admin@a.test');
my @rsa = ('a.test', 'b.test', 'c.test');
$tool->run_ok('uacme gets an RSA certificate', @base, '-h', $hook, 'issue',
    @rsa);
my $rsa = check('the RSA certificate', 'RSA', @rsa);
$tool->run_ok('uacme gets an EC certificate', @base, '-h', $hook, '-t', 'EC',
    'issue', 'd.test');
my $ec = check('the EC certificate', 'EC', 'd.test');

my ($status) = $tool->run(@base, '-h', $hook, 'issue', @rsa);
is($status, 1, 'uacme sees that it need not renew');
$tool->run_ok('R17: uacme renews by force', @base, '-h', $hook, '-f', 'issue',
    @rsa);
my $rsa2 = check('the renewed RSA certificate', 'RSA', @rsa);
isnt($rsa2, $rsa, 'it is another one');
$tool->run_ok('uacme renews because so few days are left', @base, '-h', $hook,
    '-d', 9999, 'issue', 'd.test');
my $ec2 = check('the renewed EC certificate', 'EC', 'd.test');
isnt($ec2, $ec, 'it is another one');
$tool->run_ok('T73: uacme revokes by its account', @base, 'revoke',
    "$dir/d.test/cert.pem");
$tool->revoked_ok('T75: the reason it gives', $ec2, 0);
$tool->run_ok('T73: uacme revokes by the certificate\'s key', @base, 'revoke',
    "$dir/a.test/cert.pem", "$dir/private/a.test/key.pem");
$tool->revoked_ok('T75: which proves its compromise', $rsa2, 1);
$tool->run_ok('T84: uacme gets a certificate for an address', @base, '-h',
    $hook, 'issue', '127.0.0.1', 'e.test');
$tool->certificate_ok('it is good', "$dir/127.0.0.1/cert.pem",
    names => ['127.0.0.1', 'e.test']);
$tool->run_ok('uacme updates its account', @base, 'update', 'root@a.test');
$tool->run_ok('uacme deactivates its account', @base, 'deactivate');

is_deeply([$tool->refused], ['accountDoesNotExist'],
    'R30: refused was the question for an account, and nothing else');
$server->finish;
done_testing;
