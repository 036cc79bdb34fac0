#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# H9, validations that hang, over the wire: one account has four times as many
# of them as may be in flight, and others get their certificates all the same.
# They cost a bounded number of descriptors, and each ends with its reason.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use Test::More;
use Time::HiRes qw(sleep time);

use AcmeCheck;
use AcmeResponder;
use AcmeServer;
use AcmeWire;

my $each     = 60;
my $limit    = 60; # in flight, and a quarter more
my $seconds  = 5;  # until the time limit
my %port     = map { $_ => AcmeServer::free_port() } qw(tls dns);
my $responder = AcmeResponder->new;

sub socket_at {
    my ($address, $port, %o) = @_;
    return IO::Socket::INET->new(LocalAddr => $address, LocalPort => $port,
        ReuseAddr => 1, %o) || die "$address:$port: $!\n";
}

# Nobody accepts, nobody reads; and one whose queue is full, so that SYNs to it
# are dropped.
my @silent = (socket_at('127.0.0.2', $responder->{port}, Listen => 4000),
    socket_at('127.0.0.2', $port{tls}, Listen => 4000),
    socket_at('127.0.0.4', $port{dns}, Proto => 'udp'),
    socket_at('127.0.0.3', $responder->{port}, Listen => 1));
push @silent, IO::Socket::INET->new(PeerAddr => '127.0.0.3',
    PeerPort => $responder->{port}, Blocking => 0) for 1 .. 3;

my %kind = (
    http => ['http-01', qr/127\.0\.0\.2 port \d+: connected, but no answer/],
    syn  => ['http-01', qr/127\.0\.0\.3 port \d+: connection timed out/],
    tls  => ['tls-alpn-01', qr/127\.0\.0\.2 port \d+: no TLS connection in/],
    dns  => ['dns-01', qr/resolver 127\.0\.0\.4\S* .*no answer/],
);
my %names = map {
    my $kind = $_;
    $kind => [map {"h$_.$kind.hole.test"} 1 .. $each]
} keys %kind;

my $server = AcmeServer->new(mpm => 'event', http01_port => $responder->{port},
    hosts => [map {"$_.test"} 'a' .. 'h'], global => <<'EOT',
StartServers 1
ServerLimit 1
ThreadsPerChild 16
MaxRequestWorkers 16
MinSpareThreads 1
MaxSpareThreads 16
MaxKeepAliveRequests 0
EOT
    vhost => join "\n", "ACMEValidationMax $limit",
        "ACMEValidationTimeout ${seconds}s",
        'ACMEValidationWait 0',
        "ACMEValidationPort tls-alpn-01 $port{tls}",
        "ACMEResolver dns.hole.test 127.0.0.4:$port{dns}",
        map({"ACMEResolverHost $_ 127.0.0.2"} @{ $names{http} },
            @{ $names{tls} }),
        map({"ACMEResolverHost $_ 127.0.0.3"} @{ $names{syn} }))->start;
my ($child) = $server->children;

sub files { my @files = glob "/proc/$child/fd/*"; return scalar @files }

my $hog = AcmeWire->new(server => $server);
my $other = AcmeWire->new(server => $server);
$_->register for $hog, $other;
like($other->verify($other->certificate($responder, 'a.test'), 'a.test'),
    qr/OK/, 'a certificate, while nothing hangs');
my $idle = files();

# Accepted challenges: of [authorization, kind].
my @holes;
for my $kind (sort keys %kind) {
    my $order = $hog->order(@{ $names{$kind} })->{json};
    for my $url (@{ $order->{authorizations} }) {
        my $chall = AcmeClient::challenge($hog->get($url)->{json},
            $kind{$kind}[0]);
        my $res = $hog->post($chall->{url}, {});
        push @holes, [$url, $kind] if $res->{status} == 200;
    }
}
is(@holes, 4 * $each, "H9 $each challenges of each kind are accepted");

# What is the state of these?
sub states {
    my %seen;
    $seen{ $hog->get($_->[0])->{json}{status} }++ for @_;
    return \%seen;
}

# Three other accounts, one after the other.
for my $name (qw(b.test c.test d.test)) {
    my $client = AcmeWire->new(server => $server);
    my $pem = eval { $client->certificate($responder, $name) } // "died: $@";
    like($client->verify($pem, $name), qr/OK/,
        "H9 $name: another account's certificate");
}
ok(states(@holes[-20 .. -1])->{pending}, 'H9 while they hang');
# A question to a resolver may take two descriptors; the rest is for clients.
my $most = $idle + 2 * $limit * 5 / 4 + 40;
cmp_ok(files(), '<', $most, 'H9 descriptors are bounded');

# Their ends: all, each with its reason.
my $patience = time + 120;
my (%wrong, $res);
for my $hole (@holes) {
    my ($url, $kind) = @$hole;
    do {
        $res = $hog->get($url)->{json};
        sleep 0.2 if $res->{status} eq 'pending';
    } while $res->{status} eq 'pending' && time < $patience;
    my $detail = AcmeClient::challenge($res, $kind{$kind}[0])->{error}{detail}
        // 'no error';
    $wrong{"$kind: $res->{status}: $detail"}++
        if $res->{status} ne 'invalid' || $detail !~ $kind{$kind}[1];
}
ok(!%wrong, 'H9 each of them ends invalid, with what it waited for')
    or diag join "\n", (sort keys %wrong)[0 .. (%wrong > 4 ? 4 : %wrong - 1)];
cmp_ok(files(), '<', $idle + 40, 'H9 their descriptors are gone');
like($other->verify($other->certificate($responder, 'e.test'), 'e.test'),
    qr/OK/, 'a certificate, after all that');

$server->finish(qr/AS0205/); # that many wait
done_testing;
