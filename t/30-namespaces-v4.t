#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A CA in a network that has IPv4 and nothing else, as most intranets have:
# names that have an IPv6 address as well are proven by the other one (T79), and
# that quickly.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
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

my ($web, $six) = ('10.77.0.80', '2001:db8:77::80');
$net->add('lan');
$net->cable('lan0', home => ['10.77.0.1/24'], lan => ["$web/24",
    '10.77.0.53/24', '10.77.0.54/24', "$six/64"]);
my ($http, $alpn, $dns, $zone) = $net->at('lan', sub { (
    AcmeResponder->new(address => $web, port => 80),
    AcmeAlpn->new(address => $web, port => 443),
    FakeDNS->new(address => '10.77.0.53', port => 53, names => {
        'four.test'    => [$web],
        'six.test'     => [$six],
        'dual.test'    => [$web, $six],
        'many.test'    => [$web, map { "2001:db8:77::$_" } 1 .. 20],
        'ns.zone.test' => ['10.77.0.54', '2001:db8:77::54'],
        'zone.test'    => { NS => ['ns.zone.test'] },
    }),
    FakeDNS->new(address => '10.77.0.54', port => 53, zones => ['zone.test']),
) });

# The CA is up before its network is.
$net->unplug('lan0');
my $server = AcmeServer->new(hosts => [], http01_port => 80,
    vhost => <<"EOT")->start;
ACMEResolver [2001:db8:77::53]:53 @{[$dns->server]}
ACMEValidationTimeout 5s
ACMEAuthzReuse off
ACMEValidationWait 0
EOT
my $c = AcmeWire->new(server => $server);
$c->register;
$http->thumbprint($c->thumbprint);
$net->plug('lan0');

my $by = qr/Resolver of six\.test: 2001:db8:77::53\@53 10\.77\.0\.53\@53 of /;

my $lan = sub { $net->at('lan', @_) };

sub round {
    my ($where, @why) = @_;
    my @good = (http01($c, 'four.test', 'dual.test', 'many.test', "IP:$web"),
        dns01($c, 'x.zone.test', $zone));
    my ($bad, $bad_ip) = http01($c, 'six.test', "IP:$six");
    proven($_, 4, "T79 T84 $where") for @good;
    refuted($bad, 4, "T78 $where", 'connection', $by, @why);
    proven(alpn01($c, 'dual.test', $alpn, $lan), 4, "T83 $where");
    refuted(alpn01($c, 'six.test', $alpn, $lan), 4, "T78 $where",
        'connection', $by, @why);
    refuted($bad_ip, 4, "T78 T84 $where", 'connection',
        qr{http://\[\Q$six\E\]/\.well-known/.*: \Q$six\E port 80: }, @why);
    told_by_check(check_soon($server, $_)) for $good[1], $bad;
}

round('no way leads out by IPv6', qr/ port \d+: network is unreachable\. /,
    qr/Hint: no route leads there from the ACME server; if it has no IPv6 at/);
$net->set('home', 'ipv6/conf/all/disable_ipv6', 1);
round('IPv6 is switched off', qr/ port \d+: no address to connect from/,
    qr/Hint: the ACME server has no address of this kind/);
$server->finish;
done_testing;
