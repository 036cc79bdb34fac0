#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# A nonce is good once, however many ask at once, in whatever child, and over a
# graceful restart (T21, T22, R5).

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use AcmeCheck;
use AcmeServer;
use AcmeWire;

my %enough = (
    event   => "StartServers 3\nThreadsPerChild 25\nMaxRequestWorkers 200\n",
    worker  => "StartServers 3\nThreadsPerChild 25\nMaxRequestWorkers 200\n",
    prefork => "StartServers 55\nMaxSpareServers 60\nMaxRequestWorkers 60\n");

sub start {
    my ($mpm, %o) = @_;
    return AcmeServer->new(mpm => $mpm, global => $enough{$mpm}, %o)->start;
}

# Answers to these JWS, sent at the same time, each on its own connection.
sub at_once {
    my ($url, $clients, @jws) = @_;
    return AcmeWire::at_once(
        map { [$clients->[$_], $url, $jws[$_ % @jws]] } 0 .. $#$clients);
}

sub is_one {
    my ($name, @answers) = @_;
    my @good = grep { $_->{status} == 200 } @answers;
    my @bad  = grep { $_->{status} == 400
        && AcmeClient::problem($_) eq 'badNonce' && !nonce_fault($_) } @answers;
    is(@good . ' ' . @bad, '1 ' . $#answers, $name);
}

sub fifty {
    my ($mpm) = @_;
    my $server = start($mpm,
        vhost => 'CustomLog logs/pid.log "%P %{ACME_PROBLEM}e"');
    my $c = AcmeWire->new(server => $server);
    $c->register;
    my @clients = map { $c->another } 1 .. 50;
    for my $round (1 .. 6) {
        my $nonce = $c->nonce;
        my @jws = map { $c->jws($c->{kid}, '', nonce => $nonce) } 1 .. 3;
        is_one("T21 $mpm: one of fifty clients ($round)",
            at_once($c->{kid}, \@clients, $round % 2 ? $jws[0] : @jws));
    }
    my %pids = map { /^(\d+) badNonce/ ? ($1 => 1) : () } split /\n/,
        AcmeServer::read_file("$server->{dir}/logs/pid.log");
    cmp_ok(keys %pids, '>', $mpm eq 'prefork' ? 40 : 1,
        "T22 $mpm: " . keys(%pids) . ' children had a part in it');
    my @nonces = map { AcmeClient::header($_->http('HEAD',
        $c->endpoints->{newNonce}), 'replay-nonce') } @clients;
    my @answers = map { $clients[$_]->post($c->{kid}, '',
        nonce => $nonces[49 - $_]) } 0 .. 49;
    is(grep({ $_->{status} == 200 } @answers), 50,
        "T22 $mpm: a nonce is good in any child");
    $server->finish;
}

sub restarts {
    my ($mpm) = @_;
    my $server = start($mpm);
    my $c = AcmeWire->new(server => $server);
    $c->register;
    my @nonces = map { AcmeClient::header($c->http('HEAD',
        $c->endpoints->{newNonce}), 'replay-nonce') } 1 .. 40;
    my $spent = shift @nonces;
    answered($c->post($c->{kid}, '', nonce => $spent), 200, 'T22 one is spent');

    my $old  = $c->another;
    my $body = $c->jws($c->{kid}, '', nonce => $nonces[0]);
    my $text = $old->compose('POST', $c->{kid}, body => $body,
        headers => ['Content-Type: application/jose+json']);
    $old->send_octets(substr($text, 0, -10), 'POST');
    $server->graceful;
    $old->send_octets(substr($text, -10));
    my @both = ($old->response, $c->post_raw($c->{kid}, $body));
    is_one("T22 $mpm: one of an old child and a new one", @both);

    refused($c->post($c->{kid}, '', nonce => $spent), 400, 'badNonce',
        "T22 $mpm: what was spent before stays so");
    shift @nonces;
    my @first = map { $c->post($c->{kid}, '', nonce => $_) } @nonces;
    is(grep({ $_->{status} == 200 } @first), scalar @nonces,
        "T22 R5 $mpm: nonces are good after a graceful restart");
    my @second = map { $c->post($c->{kid}, '', nonce => $_) } @nonces;
    is(grep({ AcmeClient::problem($_) eq 'badNonce' } @second),
        scalar @nonces, "T22 $mpm: once");

    my $kept = $c->nonce;
    $server->configure(vhost => 'ACMENonceSlots 100000')->graceful;
    $server->graceful for 1 .. 2;
    answered($c->post($c->{kid}, '', nonce => $kept), 200,
        "T22 R5 $mpm: three more restarts and more slots");
    $server->finish;
}

# Memory is bounded: the oldest ones make room.
sub overrun {
    my $server = start('event',
        vhost => "ACMENonceSlots 1024\nMaxKeepAliveRequests 0");
    my $c = AcmeWire->new(server => $server);
    $c->register;
    my @nonces = map { AcmeClient::header($c->http('HEAD',
        $c->endpoints->{newNonce}), 'replay-nonce') } 1 .. 1100;
    refused($c->post($c->{kid}, '', nonce => $nonces[0]), 400, 'badNonce',
        'T21 R5 an old nonce makes room for new ones');
    answered($c->post($c->{kid}, '', nonce => $nonces[200]), 200,
        'R5 but not before 1024 others');
    $server->finish;
}

my @mpms = $ENV{ACME_MPM} || qw(event prefork);
fifty($_)    for @mpms;
restarts($_) for @mpms;
overrun();
done_testing;
