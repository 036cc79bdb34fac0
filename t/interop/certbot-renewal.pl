#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# certbot from version 4.1 on: `certbot renew` does what renewal information
# says (RFC 9773).

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use AcmeOperator;
use AcmeServer;
use AcmeTool;

AcmeTool->need('certbot');

my $server = AcmeServer->new->start;
my $tool   = AcmeTool->new(server => $server,
    env => { REQUESTS_CA_BUNDLE => 'ROOTS' });
my (undef, $version) = $tool->run('certbot', '--version');
my ($major, $minor) = $version =~ /certbot (\d+)\.(\d+)/;
die "$version knows nothing of renewal information\n"
    if $major < 4 || ($major == 4 && $minor < 1);

my $dir  = "$tool->{dir}/certbot";
my @base = ('certbot', '-n', '--config-dir', $dir, '--work-dir', "$dir/work",
    '--logs-dir', "$dir/log");
my %serial;

sub check {
    my ($name) = @_;
    return $tool->certificate_ok("$name: good", "$dir/live/$name/fullchain.pem",
        names => [$name], key => "$dir/live/$name/privkey.pem");
}

for my $name (qw(a.test b.test)) {
    $tool->run_ok("certbot gets $name", @base, 'certonly', '--standalone',
        '--http-01-address', '127.0.0.1', '--http-01-port',
        $server->{http01_port}, '--server', $server->{directory},
        '--agree-tos', '-d', $name, '--register-unsafely-without-email');
    $serial{$name} = check($name);
}

# It chooses a moment of the window, which is over soon.
my ($code, $text, $errors) = acmectl($server, 'renew', '--name', 'a.test',
    '--within', '1s', '--explanation', 'https://status.example/why');
is($code, 0, 'the operator pulls one renewal forward') or diag $errors;
AcmeServer::wait_for(5, sub {
    acmectl_json($server, 'renew', 'list')->[0]{status} eq 'overdue'
        ? 1 : undef });
$tool->run_ok('T86: certbot renew', @base, 'renew',
    '--no-random-sleep-on-renew');
isnt(check('a.test'), $serial{'a.test'}, 'T86: it is another one');
is(check('b.test'), $serial{'b.test'}, 'T86: the other one is not due');
is(acmectl_json($server, 'renew', 'list')->[0]{status}, 'done',
    'T86: the operator sees that it was followed');
my $log = AcmeServer::read_file("$server->{dir}/logs/access.log");
is(scalar(() = $log =~ m{ GET /acme/renewal-info/\S+ 200 }g), 2,
    'T86: certbot has asked for each') or diag $log;

is_deeply([$tool->refused], [], 'no request was refused');
$server->finish;
done_testing;
