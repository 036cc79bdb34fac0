#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# acmectl selftest against Pebble, Let's Encrypt's test server: what works there
# passes, certificates are issued and revoked, and what it is known to get wrong
# fails.

use strict;
use warnings;
use FindBin;
use JSON::PP ();
use POSIX ();
use lib "$FindBin::Bin/../lib";
use Test::More;
use AcmeClient;
use AcmeServer;
use AcmeTool;

AcmeTool->need('pebble');

my $dir = AcmeServer::tempdir();
my ($port, $manager, $http) = map { AcmeServer::free_port() } 1 .. 3;
my $key = AcmeClient::make_key('ec256', "$dir/key");
AcmeClient::run(qw(openssl req -x509 -new -days 2 -subj /CN=localhost
    -addext subjectAltName=DNS:localhost -key), $key, '-out', "$dir/cert");
AcmeServer::write_file("$dir/conf", JSON::PP::encode_json({ pebble => {
    listenAddress => "127.0.0.1:$port",
    managementListenAddress => "127.0.0.1:$manager",
    certificate => "$dir/cert", privateKey => $key, httpPort => $http,
    tlsPort => AcmeServer::free_port() } }));

my $pid = fork // die "fork: $!";
if (!$pid) {
    $ENV{PEBBLE_VA_NOSLEEP} = 1;
    open STDOUT, '>', "$dir/log";
    open STDERR, '>&', \*STDOUT;
    $ENV{PATH} = join ':', grep { defined } @ENV{qw(ACME_TOOLS PATH)};
    exec 'pebble', '-config', "$dir/conf" or POSIX::_exit(127);
}
END { kill 'KILL', $pid if $pid }

my $url = "https://localhost:$port/dir";
AcmeServer::wait_for(20, sub {
    eval { AcmeClient::run('curl', '-sf', '--cacert', "$dir/cert", $url) }
        ? 1 : undef }) or die "Pebble does not start\n";

my $text = `$AcmeServer::build/acmectl selftest $url --ca $dir/cert \\
    --name localhost --http-port $http --pause 0 --json`;
is($? >> 8, 4, 'it is not perfect: 4');
my $report = JSON::PP::decode_json($text);
my %verdict;
for (@{ $report->{rules} }) {
    $verdict{$_->{rule}} = $_->{verdict} if ($verdict{$_->{rule}} // '') ne
        'FAIL';
}
cmp_ok($report->{passed}, '>', 50, 'most rules pass');
is($report->{accountsLeft}, 0, 'the accounts are deactivated');
is($verdict{$_}, 'pass', "$_ passes") for 'T03', 'T04', 'T08', 'T15', 'T16',
    'T18 R2', 'T19', 'T33', 'T53 R16', 'T57', 'T58', 'T70 T82', 'T73', 'T74';
# EdDSA, the list of algorithms, no-store, 401, another's URL, EdDSA.
is($verdict{$_}, 'FAIL', "$_ fails, as it should") for 'T05', 'T06', 'T13',
    'T24 R1', 'T39', 'T65 R14';
done_testing;
