#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# certbot: EC and RSA keys, one and a hundred names, renewal, revocation by
# account and by key.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeServer;
use AcmeTool;

AcmeTool->need('certbot');

my @many   = map { "host-$_.test" } 1 .. 100;
my $server = AcmeServer->new(hosts => ['a.test', 'b.test', @many])->start;
my $tool   = AcmeTool->new(server => $server,
    env => { REQUESTS_CA_BUNDLE => 'ROOTS' });
my $dir  = "$tool->{dir}/certbot";
my @base = ('certbot', '-n', '--config-dir', $dir, '--work-dir', "$dir/work",
    '--logs-dir', "$dir/log");

# Get a certificate; its serial.
sub get {
    my ($what, $kind, $names, @args) = @_;
    $tool->run_ok("certbot gets $what", @base, 'certonly', '--standalone',
        '--http-01-address', '127.0.0.1', '--http-01-port',
        $server->{http01_port}, '--server', $server->{directory},
        '--agree-tos', @args, map { ('-d', $_) } @$names);
    return check($what, $kind, $names);
}

sub check {
    my ($what, $kind, $names) = @_;
    my $live = "$dir/live/$names->[0]";
    return $tool->certificate_ok("$what is good", "$live/fullchain.pem",
        names => $names, kind => $kind, key => "$live/privkey.pem");
}

my $ec = get('an EC certificate', 'EC', ['a.test'], '--key-type', 'ecdsa',
    '-m', 'admin@a.test', '--no-eff-email');
my $rsa = get('an RSA certificate', 'RSA', ['b.test'], '--key-type', 'rsa');
get('a hundred names', 'EC', \@many);

$tool->run_ok('certbot renews', @base, 'renew', '--force-renewal',
    '--no-random-sleep-on-renew', '--cert-name', 'a.test');
my $ec2 = check('the renewed EC certificate', 'EC', ['a.test']);
isnt($ec2, $ec, 'it is another one');
$tool->run_ok('certbot renews, keeping the key', @base, 'renew',
    '--force-renewal', '--no-random-sleep-on-renew', '--reuse-key',
    '--cert-name', 'b.test');
my $rsa2 = check('the renewed RSA certificate', 'RSA', ['b.test']);
isnt($rsa2, $rsa, 'it is another one');

my ($status, $text) = $tool->run(@base, 'show_account', '--server',
    $server->{directory});
is($status, 0, 'certbot shows its account');
like($text, qr/admin\@a\.test/, 'with the contact that the server stored');

my @revoke = ('revoke', '--server', $server->{directory});
$tool->run_ok('T73: certbot revokes by its account', @base, @revoke,
    '--cert-name', 'a.test', '--reason', 'superseded',
    '--no-delete-after-revoke');
$tool->revoked_ok('T75: with its reason', $ec2, 4);
$tool->run_ok('T73: certbot revokes by the certificate\'s key', @base, @revoke,
    '--cert-path', "$dir/live/b.test/cert.pem", '--key-path',
    "$dir/live/b.test/privkey.pem", '--no-delete-after-revoke');
$tool->revoked_ok('T75: which proves its compromise', $rsa2, 1);
is_deeply([$tool->refused], [], 'no request was refused');
($status) = $tool->run(@base, @revoke, '--cert-name', 'a.test',
    '--no-delete-after-revoke');
isnt($status, 0, 'T74: certbot cannot revoke it once more');
($status) = $tool->run(@base, 'renew', '--force-renewal', '--reuse-key',
    '--no-random-sleep-on-renew', '--cert-name', 'b.test');
isnt($status, 0, 'T75: nor renew with a key that is blocked');
$tool->run_ok('certbot renews with a new one', @base, 'renew',
    '--force-renewal', '--no-random-sleep-on-renew', '--new-key',
    '--no-reuse-key', '--cert-name', 'b.test');
check('the certificate after that', 'RSA', ['b.test']);
is_deeply([$tool->refused], [qw(alreadyRevoked badCSR)],
    'these two requests were refused');
$server->finish;
done_testing;
