#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
#
# acmez, Caddy's ACME library: it asks when to renew, says what its orders
# replace, and is told when that has been replaced already (RFC 9773).

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use AcmeOperator;
use AcmeResponder;
use AcmeServer;
use AcmeTool;

AcmeTool->need('acmez');

my $responder = AcmeResponder->new;
my $server = AcmeServer->new(http01_port => $responder->{port})->start;
my $tool   = AcmeTool->new(server => $server);
my $httpd = $server->command_line;
my $text = $tool->run_ok('acmez gets certificates', 'acmez',
    $server->{directory}, $tool->{roots}, $responder->{dir}, $tool->{dir},
    'a.test', "$AcmeServer::build/acmectl", '--httpd', $httpd, 'renew',
    '--all', '--explanation', 'https://status.example/why');
my @lines = split /\n/, $text;
my ($part, $again) = $lines[0] =~ /at (\S+), due false, again in (\d+) s/;
cmp_ok(abs(($part // 0) - 2 / 3), '<', 0.06,
    'T86: the window is at two thirds of the life') or diag $text;
cmp_ok(abs(($again // 0) - 21600), '<', 60, 'T86: Retry-After');
like($lines[1], qr{due true, .* because https://status\.example/why$},
    'T86: an operator pulls it forward, and says why');

my %serial = map { $_ => $tool->certificate_ok("$_: good",
    "$tool->{dir}/$_.pem", names => ['a.test']) } 1 .. 3;
isnt($serial{1}, $serial{2}, 'it was renewed');
isnt($serial{2}, $serial{3}, 'and once more');
my $show = acmectl_json($server, 'renew', 'show', 1);
is($show->{status}, 'done', 'T86: the operator sees that');
is($show->{list}[0]{by}, 'replaces', 'T86: as the order said');
is_deeply([$tool->refused], ['alreadyReplaced'],
    'R21 T86: the second time it was told so, and left "replaces" out');
$server->finish;
done_testing;
