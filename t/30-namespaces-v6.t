#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A CA in a network that has IPv6 and nothing else: whoever has an address there
# is proven by it, by every method, on the ports of the RFCs, and who has none
# is told so.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use AcmeAlpn;
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

my ($web, $v4, $nat64) = ('fd00:77::80', '10.77.0.80', '64:ff9b::a4d:50');
$net->add('lan');
$net->cable('lan0', home => ['fd00:77::1/64'], lan => ["$web/64", "$v4/24",
    'fd00:77::53/64', 'fd00:77::54/64', 'fe80::53/64', '10.77.0.54/24',
    "$nat64/128"]);
$net->ip('home', 'route add 64:ff9b::/96 via fd00:77::53');
my ($http, $translator, $alpn, $dns, $zone) = $net->at('lan', sub { (
    (map { AcmeResponder->new(address => $_, port => 80) } $web, $nat64),
    AcmeAlpn->new(address => $web, port => 443),
    FakeDNS->new(address => 'fd00:77::53', port => 53, names => {
        'four.test'    => [$v4],
        'six.test'     => [$web],
        'dual.test'    => [$v4, $web],
        'nat64.test'   => [$v4, $nat64],
        'down.test'    => [$v4, 'fd00:77::53'],
        'ns.zone.test' => ['10.77.0.54', 'fd00:77::54'],
        'zone.test'    => { NS => ['ns.zone.test'] },
        'ns.old.test'  => ['10.77.0.54'],
        'old.test'     => { NS => ['ns.old.test'] },
    }),
    FakeDNS->new(address => 'fd00:77::54', port => 53, zones => ['zone.test']),
) });
$net->cover('/etc/hosts', "fd00:77::1 ca.test\n");
my $server = AcmeServer->new(server_name => 'ca.test', hosts => [],
    http01_port => 80, addresses => ['[fd00:77::1]'],
    vhost => vhost("ACMEResolver @{[$dns->server]}"))->start;

sub vhost {
    return join "\n", @_, 'ACMEValidationTimeout 4s', 'ACMEAuthzReuse off',
        'ACMEValidationWait 0';
}

my $c = AcmeWire->new(server => $server);
$c->register;
$_->thumbprint($c->thumbprint) for $http, $translator;
is(AcmeClient::run('ip', '-4', 'route'), '', 'no way leads out by IPv4');

my $lan = sub { $net->at('lan', @_) };
my $no_way = qr/: network is unreachable\. .*Hint: no route leads there from /
    . qr/the ACME server; if it has no IPv4 at all, an IPv6 address is needed/;

# All at once: some of them take the time there is.
my @good = (http01($c, 'six.test', 'dual.test', "IP:$web", 'nat64.test'),
    dns01($c, 'six.test', $dns), dns01($c, 'x.zone.test', $zone),
    dns01($c, 'x.old.test', $dns), dns01($c, 'cut.zone.test', $zone, 'cut'));
my ($four, $four_ip, $down) = http01($c, 'four.test', "IP:$v4", 'down.test');
my $old = dns01($c, 'y.old.test');
proven($_, 3, 'T78 T79 T80 T84 v6 only') for @good;
my %host = map { $_->[0] => 1 } $http->requests;
is_deeply([sort keys %host], ["[$web]", 'dual.test', 'six.test'],
    'T78 T84 Host is the name, or the address in brackets; no port 80');
is(join(' ', map { $_->[0] } $translator->requests), 'nat64.test',
    'T79 an IPv4 address behind NAT64 and DNS64');

ok((grep { /tcp _acme-challenge\.cut\.zone\.test TXT/ } $zone->questions),
    'T80 UDP, then TCP');

refuted($four, 2, 'T78 v6 only', 'connection', $no_way,
    qr/: 10\.77\.0\.80 port 80: /, qr/Resolver of four\.test: fd00:77::53/);
refuted($four_ip, 2, 'T78 T84 v6 only', 'connection', $no_way);
refuted($down, 2, 'T78 v6 only', 'connection',
    qr/fd00:77::53 port 80: connection refused; $v4 port 80: network is unrea/,
    qr/Hint: nothing listens on this port of this address/);
refuted($old, 5, 'T80 v6 only', 'dns',
    qr/ns\.old\.test \(10\.77\.0\.54\): not to be reached from the ACME serv/);

for ('six.test', 'dual.test') {
    proven(alpn01($c, $_, $alpn, $lan), 2, 'T83 v6 only');
    is($alpn->server_name, $_, 'T83 SNI');
}
proven(alpn01($c, "IP:$web", $alpn, $lan), 2, 'T84 v6 only');
is($alpn->server_name, '0.8.0.0.' . '0.' x 20 . '7.7.0.0.0.0.d.f.ip6.arpa',
    'T84 SNI is the reverse name');
refuted(alpn01($c, 'four.test', $alpn, $lan), 2, 'T78 v6 only',
    'connection', $no_way);

told_by_check(check_soon($server, $_)) for $good[1], $four, $down;

# A client that knows the CA by its IPv6 address, from which it comes.
my $pem = $net->at('lan', sub {
    my $client = AcmeClient->new(server => $server, cacert => $c->cacert);
    $client->register;
    $http->thumbprint($client->thumbprint);
    return $client->certificate(undef, 'dual.test', "IP:$web");
});
like($c->verify($pem, 'dual.test'), qr/: OK$/m, 'a certificate, all by IPv6');
like(AcmeServer::read_file("$server->{dir}/logs/access.log"),
    qr/^fd00:77::\S+ POST /m, 'the client came by IPv6');
$http->thumbprint($c->thumbprint);

# What the machine itself has is asked when nothing is configured.
$net->cover('/etc/resolv.conf',
    "nameserver 10.77.0.53\nnameserver $dns->{address}\n");
reload($server, vhost => vhost(''));
proven(http01($c, 'dual.test'), 5,
    'resolv.conf names one that cannot be reached, and one by IPv6');
my $near = $net->at('lan', sub { FakeDNS->new(address => 'fe80::53%lan0',
        port => 53, names => { 'near.test' => [$web] }) });
$net->cover('/etc/resolv.conf', "nameserver fe80::53%lan0\n");
proven(http01($c, 'near.test'), 5, 'resolv.conf names one on the link');
$server->finish;
done_testing;
