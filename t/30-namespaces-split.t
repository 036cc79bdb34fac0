#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A CA between two networks: inside and outside, whose name servers give two
# answers (ACMEResolver ZONE), with machines that one interface leads to, or one
# route; and what becomes of validations when a network goes away and comes
# back (T66).

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep);

use AcmeNetns;
use AcmeOperator;
use AcmeResponder;
use AcmeServer;
use AcmeSkip;
use AcmeTool;
use AcmeTry;
use AcmeWire;
use FakeDNS;

AcmeTool->need('ip', 'unshare');
my $net = AcmeNetns->enter or skip_file 'no network namespace to be had here';

my ($portal, $lab, $www, $other) = ('10.1.0.80', '10.9.0.80', '203.0.113.80',
    '203.0.113.66');
$net->add($_) for qw(inside outside);
$net->cable('in0', home => ['10.1.0.1/24'], inside => [map { "$_/24" }
    '10.1.0.53', '10.1.0.54', '10.1.0.254', $portal]);
$net->cable('out0', home => ['192.0.2.1/24'], outside => ['192.0.2.254/24',
    '192.0.2.53/24', "$www/32", "$other/32"]);
# The way from inside back to us that does not lead through in0.
$net->cable('far0', inside => ['198.51.100.1/24'],
    outside => ['198.51.100.2/24']);
$net->ip('inside', "addr add $lab/32 dev lo");
$net->ip('outside', 'route add 10.1.0.0/24 via 192.0.2.1');
$net->set('home', "ipv4/conf/$_/rp_filter", 0) for qw(all out0);
$net->set('outside', 'ipv4/ip_forward', 1);
$net->set('outside', "ipv4/conf/$_/rp_filter", 0) for qw(all far0);
$net->ip('home', 'route add 203.0.113.0/24 via 192.0.2.254');
sub lab_route { $net->ip('home', 'route add 10.9.0.0/24 via 10.1.0.254') }
lab_route();

my ($in, $zone, $http, $http2) = $net->at('inside', sub { (
    FakeDNS->new(address => '10.1.0.53', port => 53, names => {
        'portal.corp.test' => [$portal],
        'lab.corp.test'    => [$lab],
        'alias.corp.test'  => { CNAME => 'www.pub.test' },
        'ns.corp.test'     => ['10.1.0.54'],
        'corp.test'        => { NS => ['ns.corp.test'] },
    }),
    FakeDNS->new(address => '10.1.0.54', port => 53, zones => ['corp.test']),
    map { AcmeResponder->new(address => $_, port => 80) } $portal, $lab,
) });
my ($out, $http3, $parked) = $net->at('outside', sub { (
    FakeDNS->new(address => '192.0.2.53', port => 53, names => {
        'portal.corp.test' => [$other],
        'lab.corp.test'    => [$other],
        '_acme-challenge.portal.corp.test' => { TXT => ['for others'] },
        'www.pub.test'     => [$www],
        'alias.pub.test'   => { CNAME => 'portal.corp.test' },
    }),
    map { AcmeResponder->new(address => $_, port => 80) } $www, $other,
) });
$parked->thumbprint("HTTP/1.1 200 OK\r\n\r\nThis domain is parked.");

my ($inner, $outer) = ("ACMEResolver corp.test @{[$in->server]}",
    "ACMEResolver @{[$out->server]}");
sub vhost { return join "\n", @_, 'ACMEAuthzReuse off', 'ACMEValidationWait 0' }
my $server = AcmeServer->new(hosts => [], http01_port => 80,
    vhost => vhost($inner, $outer))->start;
my $c = AcmeWire->new(server => $server);
$c->register;
$_->thumbprint($c->thumbprint) for $http, $http2, $http3;

sub hosts_asked { return join ' ', sort map { $_->[0] } $_[0]->requests }

# Which of the two is asked decides.
my $what = 'split horizon (ACMEResolver ZONE)';
my @names = qw(portal.corp.test lab.corp.test alias.corp.test www.pub.test
    alias.pub.test);
my @one = (http01($c, @names), dns01($c, 'portal.corp.test', $zone));
proven($_, 4, $what) for @one;
is(hosts_asked($http), 'alias.pub.test portal.corp.test',
    'an alias that leads inside is followed there');
is(hosts_asked($http3), 'alias.corp.test www.pub.test',
    'and one that leads outside there');
is(hosts_asked($parked), '', 'what the others call so is not asked');
ok(!(grep { /corp/ } $out->questions),
    'nobody outside is asked about names inside')
    or diag $out->questions;
told_by_check($_) for map { check_soon($server, $_) } @one[0, 1, 3];

# No other way leads there.
$net->ip('home', 'route del 10.9.0.0/24');
my ($lost) = http01($c, 'lab.corp.test');
refuted($lost, 4, 'without its route', 'connection',
    qr/: $lab port 80: network is unreachable\. .*of ACMEResolver corp\.test/);
told_by_check(check_soon($server, $lost));
lab_route();
proven(http01($c, 'lab.corp.test'), 4, 'with it again');

reload($server, vhost => vhost($outer, 'ACMEValidationTimeout 3s'));
my ($wrong) = http01($c, 'portal.corp.test');
my $text = dns01($c, 'portal.corp.test', $zone);
refuted($wrong, 4, 'as the others see it', 'incorrectResponse',
    qr/: $other port 80: status 200, body starts with "This domain is parked/,
    qr/Resolver of portal\.corp\.test: 192\.0\.2\.53\@53 of ACMEResolver\./);
refuted($text, 5, 'as the others see it', 'incorrectResponse',
    qr/"for others"/);
told_by_check(check_soon($server, $wrong));

# Networks that go away.  inside answers by another way than it is asked.
reload($server, vhost => vhost($inner, $outer,
    'ACMEValidationRetry 2s', 'ACMEValidationTimeout 12s'));
$net->ip('inside', 'route add 10.1.0.1/32 via 198.51.100.2');
proven(http01($c, 'portal.corp.test'), 4, 'asymmetric routes');
$net->ip('inside', 'route del 10.1.0.1/32');

# Our interface is down when it begins: the next try finds it up.
$net->unplug('in0');
@one = (http01($c, 'portal.corp.test', "IP:$portal"),
    dns01($c, 'portal.corp.test', $zone));
my ($www_one) = http01($c, 'www.pub.test');
AcmeServer::wait_for(8, sub {
    look($_) for @one;
    return (grep { $_->{detail} } @one) >= 2 ? 1 : undef });
is(join(' ', map { $_->{status} // 'open' } @one), 'open open open',
    'T66 the network is down: failed, but not for good');
like($one[0]{detail}, qr/SERVFAIL, or no answer from the name server\. Resolv/,
    'T66 with the error, by name');
like($one[1]{detail}, qr/$portal port 80: network is unreachable\. /,
    'T66 and by address');
proven($www_one, 4, 'the other network is there');
$net->plug('in0');
lab_route();
proven($_, 12, 'T66 ACMEValidationRetry: the network is back') for @one;

# The cable is pulled out while the answer is waited for, and put in again.
sub held { # of whom nothing is heard before say($_)
    my ($name) = @_;
    my $token;
    my $one = try($c, $name, 'http-01', sub {
        ($token) = split /\./, $_[0];
        $http->put($token, 'WAIT') });
    AcmeServer::wait_for(8, sub {
        return (grep { $_->[1] =~ /$token/ } $http->requests) ? 1 : undef });
    $one->{say} = sub { $http->put($token, "$token." . $c->thumbprint) };
    return $one;
}
my $held = held('portal.corp.test');
$net->unplug('in0', 'inside');
$held->{say}->();
sleep 0.5;
$net->plug('in0', 'inside');
proven($held, 12, 'the network was away while an answer was waited for');

# And it does not come back.
reload($server, vhost => vhost($inner, $outer, 'ACMEValidationRetry 1s',
    'ACMEValidationTimeout 3s'));
@one = map { held($_) } 'portal.corp.test', "IP:$portal";
$net->unplug('in0', 'inside');
push @one, http01($c, 'lab.corp.test', "IP:$lab");
proven(http01($c, 'www.pub.test'), 3, 'the other network is there');
refuted($_, 6, 'T66 given up', 'connection',
    qr/: $portal port 80: (?:connected, but no answer in time|no route|conn)/)
    for @one[0, 1];
refuted($one[2], 6, 'T66 given up', 'dns',
    qr/no answer from the name server.* Resolver of lab\.corp\.test: 10\.1\.0/);
refuted($one[3], 6, 'T66 given up', 'connection',
    qr/: $lab port 80: (?:connection timed out|no route to host)/);
$server->finish;
done_testing;
