#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# T22, H11: graceful restarts keep nonces, each good exactly once, and orders go
# on; after a stop and a start everything but nonces is still there.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeCheck;
use AcmeClient;
use AcmeFlows;
use AcmeResponder;
use AcmeServer;
use AcmeWire;

my $responder = AcmeResponder->new;
my $server = AcmeServer->new(http01_port => $responder->{port},
    vhost => AcmeFlows::vhost())->start;
my $client = AcmeWire->new(server => $server);
$client->register;
my $account = $client->{kid};

# A signed request that spends a nonce and does nothing else.
sub spending {
    my ($nonce) = @_;
    return $client->jws($account, '', nonce => $nonce);
}

sub fresh {
    my $res = $client->http('HEAD', $client->endpoints->{newNonce});
    delete $client->{nonce};
    return AcmeClient::header($res, 'replay-nonce');
}

# 'good', 'badNonce' or what else came.
sub spend {
    my ($who, $jws) = @_;
    my $res = $who->post_raw($account, $jws);
    return $res->{status} == 200 ? 'good' : AcmeClient::problem($res);
}

sub restart {
    $client->detach;
    $server->graceful;
}

subtest 'T22: nonces after graceful restarts' => sub {
    my @jws = map { spending(fresh()) } 1 .. 60;
    is(spend($client, $_), 'good', 'T22 before') for @jws[0 .. 9];
    restart();
    is(spend($client, $_), 'good',     'T22 after one')  for @jws[10 .. 29];
    is(spend($client, $_), 'badNonce', 'T21 but once')   for @jws[0 .. 19];
    restart() for 1 .. 3;
    is(spend($client, $_), 'good',     'T22 after more') for @jws[30 .. 39];
    is(spend($client, $_), 'badNonce', 'T21 but once')   for @jws[20 .. 39];
    $server->configure(vhost => AcmeFlows::vhost() . 'ACMENonceSlots 131072');
    restart();
    is(spend($client, $_), 'good', 'T22 after more slots') for @jws[40 .. 49];
    $server->configure(vhost => AcmeFlows::vhost() . 'ACMENonceSlots 65536');
    restart();
    is(spend($client, $_), 'good', 'T22 after fewer') for @jws[50 .. 59];
    is(spend($client, $_), 'badNonce', 'T21 but once') for @jws;
};

# While the parent moves them, several clients show each nonce again and again.
subtest 'T21: exactly once, in the middle of a restart' => sub {
    my @jws = map { spending(fresh()) } 1 .. 120;
    my $dir = AcmeServer::tempdir();
    my @pids;
    for my $n (0 .. 2) {
        my $pid = fork // die "fork: $!";
        next if $pid && push @pids, $pid;
        $SIG{TERM} = 'DEFAULT';
        my $own = $client->another;
        my @log;
        for my $i (0 .. $#jws) {
            my $what = eval { spend($own, $jws[$i]) } // 'none';
            push @log, "$i $what\n";
        }
        AcmeServer::write_file("$dir/$n", join '', @log);
        $own->detach;
        POSIX::_exit(0);
    }
    $server->graceful for 1 .. 3;
    waitpid $_, 0 for @pids;
    my %good;
    my $text = join '', map { AcmeServer::read_file("$dir/$_") } 0 .. 2;
    $good{$1}++ while $text =~ /^(\d+) good$/mg;
    is(scalar(grep { $_ > 1 } values %good), 0, 'T21 none is good twice');
    # Those shown in the very moment of their move are the client's to repeat.
    cmp_ok(scalar keys %good, '>=', 110, 'T22 nearly all were good once');
    note scalar keys %good, ' of ', scalar @jws;
    my %else;
    $else{$1}++ while $text =~ /^\d+ (?!good|badNonce)(.*)$/mg;
    note join ', ', map { "$_: $else{$_}" } sort keys %else;
};

subtest 'T22: an old child answers, the new one knows its nonce' => sub {
    my $slow = $client->another;
    my $body = spending(fresh());
    my $half = int(length($body) / 2);
    my @old = $server->children;
    $slow->send_octets($slow->compose('POST', $account,
        length => length $body, body => substr($body, 0, $half),
        headers => ['Content-Type: application/jose+json']), 'POST');
    AcmeServer::wait_for(0.2, sub { undef });
    restart();
    syswrite $slow->{socket}, substr $body, $half;
    my $res = $slow->response;
    is($res->{status}, 200, 'T22 a moved nonce is good in an old child')
        or diag $res->{body};
    my $nonce = AcmeClient::header($res, 'replay-nonce');
    is(spend($client, spending($nonce)), 'good', 'T22 and its answer in a new');
    is(spend($client, $body), 'badNonce', 'T21 but once');
};

subtest 'H11: orders go on' => sub {
    my $order = $client->order('a.test')->{json};
    my $authz = $client->get($order->{authorizations}[0])->{json};
    my $chall = AcmeClient::challenge($authz);
    $responder->put($chall->{token}, 'HANG');
    $client->post($chall->{url}, {});
    AcmeServer::wait_for(10, sub {
        grep({ $_->[1] =~ m{/\Q$chall->{token}\E$} } $responder->requests)
            || undef;
    });
    # For the new child, which looks at once.
    $responder->put($chall->{token},
        $client->key_authorization($chall->{token}));
    restart();
    $authz = $client->poll($order->{authorizations}[0], 'pending')->{json};
    is($authz->{status}, 'valid', 'H11 a validation in the middle');
    restart();
    my $self = $order->{self};
    $order = { %{ $client->get($self)->{json} }, self => $self };
    is($order->{status}, 'ready', 'H11 a ready order');
    my $res = $client->finalize($order, $client->csr(['a.test']));
    is($res->{json}{status}, 'valid', 'H11 finalize');
    restart();
    like($client->verify($client->get($res->{json}{certificate})->{body},
        'a.test'), qr/OK/, 'H11 the certificate');
};

subtest 'H11: flows while the server restarts' => sub {
    my $flows = AcmeFlows->new(server => $server, responder => $responder,
        workers => 3, sturdy => 30)->start;
    AcmeServer::wait_for(30, sub { $flows->count > 2 ? 1 : undef });
    for (1 .. 4) {
        my $have = $flows->count;
        $server->graceful;
        AcmeServer::wait_for(30, sub { $flows->count > $have + 2 ? 1 : undef });
    }
    $flows->check('H11 graceful', 8);
};

subtest 'a stop and a start' => sub {
    my $order = $client->order('b.test')->{json};
    $client->detach;
    $server->stop;
    is($server->{exit}, 0, 'stops');
    $server->start;
    my $res = $client->post($account, '');
    is(AcmeClient::problem($res), 'badNonce', 'nonces are gone')
        if $res->{status} != 200;
    $order = $client->authorize($order, $responder);
    $res = $client->finalize($order, $client->csr(['b.test']));
    is($res->{json}{status}, 'valid', 'an order from before');
};
$client->detach;
$server->finish;
done_testing;
