#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Black holes: addresses and name servers that are silent, in each of the ways
# that networks have.  Whoever has another address is proven by it (T79);
# whoever has none is told what was tried when the time is over (T78, R20); and
# nobody else waits for them (H9).

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::IP;
use Test::More;

use AcmeAlpn;
use AcmeNetns;
use AcmeResponder;
use AcmeServer;
use AcmeSkip;
use AcmeTool;
use AcmeTry;
use AcmeWire;
use FakeDNS;

AcmeTool->need('ip', 'unshare');
my $net = AcmeNetns->enter or skip_file 'no network namespace to be had here';

# The router "lan" is a machine itself, with addresses that work and some where
# nobody says a word; "far" is behind it.
my ($good, $also, $mute, $mute6) = ('10.77.0.80', '10.77.0.81', '10.77.0.82',
    'fd00:77::82');
my $far6 = 'fd00:78::80';
$net->add($_) for qw(lan far);
$net->cable('lan0', home => ['10.77.0.1/24', 'fd00:77::1/64'],
    lan => [map { /:/ ? "$_/64" : "$_/24" } '10.77.0.2', 'fd00:77::2',
        '10.77.0.53', '10.77.0.54', $good, $also, $mute, $mute6]);
$net->cable('far0', lan => ['fd00:78::1/64'], far => ["$far6/64"]);
$net->set('lan', $_, 1) for 'ipv4/ip_forward', 'ipv6/conf/all/forwarding';
$net->ip('home', "route add $_") for '10.66.0.0/16 via 10.77.0.2',
    'fd00:66::/64 via fd00:77::2', 'fd00:78::/64 via fd00:77::2';
$net->ip('far', 'route add default via fd00:78::1');

# Beyond it: what is dropped without a word, what it rejects in two ways
# (ICMP); and large packets are lost on the cable to "far".
my ($hole, $hole6) = ('10.66.0.1', 'fd00:66::1');
my ($away, $away6) = ('10.66.0.2', 'fd00:66::2');
my ($shut, $shut6) = ('10.66.0.3', 'fd00:66::3');
my ($nobody, $nobody6) = ('10.77.0.99', 'fd00:77::99');
$net->ip('lan', "route add $_") for "blackhole $hole", "blackhole $hole6",
    "unreachable $away", "unreachable $away6", "prohibit $shut",
    "prohibit $shut6";
$net->ip('far', 'link set far0 gso_max_segs 1'); # packets as on a wire
$net->ip('lan', 'link set far0 mtu 1280');

my $far = $net->at('far',
    sub { AcmeResponder->new(address => $far6, port => 80) });
my ($http, $http2, $alpn, $alpn2, $dns, $zone, @mute) = $net->at('lan', sub { (
    (map { AcmeResponder->new(address => $_, port => 80) } $good, $also),
    (map { AcmeAlpn->new(address => $_, port => 443) } $good, $also),
    FakeDNS->new(address => '10.77.0.53', port => 53, names => {
        'hole6.test'   => [$hole6, $good],
        'mute6.test'   => [$mute6, $also],
        'away6.test'   => [$away6, $good],
        'shut6.test'   => [$shut6, $good],
        'nobody6.test' => [$nobody6, $good],
        'large6.test'  => [$far6, $good],
        'half.test'    => [$good],
        'hole.test'    => [$hole, $hole6],
        'mute.test'    => [$mute],
        'away.test'    => [$away, $away6],
        'shut.test'    => [$shut, $shut6],
        'nobody.test'  => [$nobody],
        'ns.zone.test' => [$hole6, '10.77.0.54'],
        'zone.test'    => { NS => ['ns.zone.test'] },
        'ns.lame.test' => [$hole],
        'lame.test'    => { NS => ['ns.lame.test'] },
        'good.test'    => [$good],
    }),
    FakeDNS->new(address => '10.77.0.54', port => 53, zones => ['zone.test']),
    map { my ($address, $port) = @$_; IO::Socket::IP->new(Listen => 64,
        LocalAddr => $address, LocalPort => $port) or die $! }
        map { ([$_, 80], [$_, 443]) } $mute, $mute6,
) });

my $server = AcmeServer->new(hosts => [], http01_port => 80,
    vhost => <<"EOT")->start;
ACMEResolver @{[$dns->server]}
ACMEResolver half.test $hole6 10.77.0.53
ACMEResolver void.test $hole6 $hole
ACMEAuthzReuse off
ACMEValidationWait 0
EOT
my $c = AcmeWire->new(server => $server);
$c->register;
$_->thumbprint($c->thumbprint) for $http, $http2;
my $other = AcmeWire->new(server => $server);
$other->register;

my $lan = sub { $net->at('lan', @_) };

# The answer to a challenge, made of its token and its key authorization.
sub says {
    my ($name, $at, $make) = @_;
    return try($c, $name, 'http-01', sub {
        my ($token) = split /\./, $_[0];
        $at->put($token, $make->($_[0])) });
}

# All at once.
my %late = map { $_->{what} => $_ } http01($c, 'hole.test', 'mute.test',
    'nobody.test', 'x.void.test', "IP:$hole6"), dns01($c, 'x.lame.test'),
    alpn01($c, 'mute.test', $alpn, $lan);
$late{redirect} = says('good.test', $http,
    sub { "HTTP/1.1 302 Found\r\nLocation: http://hole.test/\r\n\r\n" });
my @good = (
    http01($c, 'hole6.test', 'mute6.test', 'nobody6.test', 'half.test'),
    alpn01($c, 'hole6.test', $alpn, $lan),
    alpn01($c, 'mute6.test', $alpn2, $lan),
    dns01($c, 'y.lame.test', $dns), dns01($c, 'x.zone.test', $zone));
my $large = says('large6.test', $far,
    sub { "HTTP/1.1 200 OK\r\nX: @{['x' x 4000]}\r\n\r\n$_[0]" });
my @quick = http01($c, 'away6.test', 'shut6.test');
my ($away_by, $shut_by) = http01($c, 'away.test', 'shut.test');
my @checked = (@late{'http-01 of hole.test', 'http-01 of mute.test'},
    $good[0]);
check_soon($server, $_) for @checked;

# Meanwhile.
like($other->certificate($http, 'good.test'), qr/BEGIN CERTIFICATE/,
    'H9 another order gets through');
my @hanging = grep { !/nobody/ } sort keys %late;
look($_) for @late{@hanging};
is_deeply([map { $_->{status} } @late{@hanging}], [(undef) x @hanging],
    'H9 before those that hang');
settle(values %late, @good, $large, @quick, $away_by, $shut_by);

proven($_, 3, 'T79 the router says no, IPv4 answers') for @quick;
proven($_, 6, 'T79 T80 IPv6 is silent, IPv4 answers') for @good;
proven($large, 6, 'T79 large packets are lost on the way (PMTU)');
for ($far, $http) {
    ok((grep { $_->[0] eq 'large6.test' } $_->requests),
        "T79 $_->{address} was asked");
}

refuted($away_by, 3, 'T78 unreachable', 'connection',
    qr/\Q$away6\E port 80: network is unreachable; /,
    qr/\Q$away\E port 80: no route to host\. .*Hint: the machine is off/);
refuted($shut_by, 3, 'T78 prohibited', 'connection',
    qr/\Q$shut6\E port 80: forbidden by a firewall; /,
    qr/\Q$shut\E port 80: no route to host\. /);

# The others, by the end of ACMEValidationTimeout, which is 8 s.
my $dropped = 'port 80: connection timed out';
my %like = (
    'http-01 of hole.test' => [connection => qr/: \Q$hole6\E $dropped; $hole /,
        qr/; $hole $dropped\. Resolver of hole\.test: .*Hint: a firewall may/],
    'http-01 of mute.test' => [connection => qr/: $mute port 80: connected, b/,
        qr/, but no answer in time\. .*Hint: does a web server listen there/],
    'tls-alpn-01 of mute.test' => [tls => qr/: $mute port 443: no TLS connecti/,
        qr/connection in time\. .*Hint: does a TLS server listen there/],
    'http-01 of nobody.test' => [connection =>
        qr/: $nobody port 80: no route to host\. .*Hint: the machine is off/],
    "http-01 of IP:$hole6" => [connection =>
        qr{http://\[\Q$hole6\E\]/\S+: \Q$hole6\E $dropped\. Hint: }],
    # libunbound's last try and ours end at the same time
    'http-01 of x.void.test' => [dns => qr/: (?:SERVFAIL, or )?no answer from /,
        qr/Resolver of x\.void\.test: \Q$hole6 $hole\E of ACMEResolver void/],
    'dns-01 of x.lame.test' => [dns => qr/ns\.lame\.test \($hole\): no answer/,
        qr/resolver 10\.77\.0\.53\@53 of ACMEResolver: NXDOMAIN/],
    redirect => [connection => qr{http://hole\.test/ \(redirect 1, from http:},
        qr/: \Q$hole6\E $dropped; $hole $dropped\. Resolver of hole\.test/],
);
is_deeply([sort keys %like], [sort keys %late], 'all are looked at');
refuted($late{$_}, 10, 'T78 R20', @{ $like{$_} }) for sort keys %like;
told_by_check($_) for @checked;
$server->finish;
done_testing;
