#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# kill -9 of a child at any moment costs a retry and nothing else: each flow
# ends well, each certificate that a client got is in the database, none is
# doubled, no order stays half done (H11).

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(encode_base64url);
use Test::More;
use Time::HiRes qw(sleep time);

use AcmeCheck;
use AcmeFlows;
use AcmeResponder;
use AcmeServer;
use AcmeWire;

my %children = (
    event   => "StartServers 6\nThreadsPerChild 8\nMaxRequestWorkers 96\n"
        . "ServerLimit 12\nMinSpareThreads 48\nMaxSpareThreads 96\n",
    worker  => "StartServers 6\nThreadsPerChild 8\nMaxRequestWorkers 96\n"
        . "ServerLimit 12\nMinSpareThreads 48\nMaxSpareThreads 96\n",
    prefork => "StartServers 12\nMinSpareServers 8\nMaxSpareServers 30\n");
my $responder = AcmeResponder->new;
my ($server, $c, $pings);

sub kill_at_random {
    my ($seconds, $pause) = @_;
    my $end = time + $seconds;
    my $killed = 0;
    while (time < $end) {
        sleep $pause * (0.5 + rand);
        my @pids = $server->children;
        $killed += kill 'KILL', $pids[rand @pids] if @pids;
    }
    return $killed;
}

sub killed_while_flows_run {
    my ($mpm, $seconds) = @_;
    my $flows = AcmeFlows->new(server => $server, responder => $responder,
        workers => 4, sturdy => 30)->start;
    my $killed = kill_at_random($seconds, 0.25);
    cmp_ok($killed, '>', $seconds, "H11 $mpm: $killed children were killed");
    $flows->check("H11 $mpm: kill -9 while flows run", $seconds);
}

# The child that this connection is with.
sub pid_of {
    my ($client) = @_;
    my $mark = 'ping' . ++$pings;
    $client->http('HEAD', $c->endpoints->{newNonce} . "?$mark");
    return AcmeServer::wait_for(20, sub {
        AcmeServer::read_file("$server->{dir}/logs/pid.log")
            =~ /^(\d+) \?$mark$/m ? $1 : undef;
    });
}

# Send a request, kill its child a moment later; the answer, if there was one,
# else that to the same request sent once more.
sub post_and_kill {
    my ($url, $payload, $moment) = @_;
    my $client = $c->another(sturdy => 30);
    my $pid  = pid_of($client) or die "no pid\n";
    my $body = $client->jws($url, $payload);
    $client->post_soon($url, $body);
    sleep $moment;
    kill 'KILL', $pid;
    my $res = $client->response;
    $client->detach;
    return $client->post($url, $payload) if !$res || $res->{status} == 503;
    return $res;
}

# Between any two transactions: moments from before the request is read until
# after it is answered.
sub killed_at_each_step {
    my ($mpm, $rounds) = @_;
    my $csr = encode_base64url($c->csr(['a.test']));
    my %seen;
    for my $i (1 .. $rounds) {
        my $moment = 0.012 * $i / $rounds;
        my $res = post_and_kill($c->endpoints->{newOrder}, { identifiers =>
            [{ type => 'dns', value => 'a.test' }] }, $moment);
        my $order = { %{ $res->{json} },
            self => AcmeClient::header($res, 'location') };
        my $authz = $order->{authorizations}[0];
        my $chall = AcmeClient::challenge($c->get($authz)->{json});
        post_and_kill($chall->{url}, {}, $moment);
        $c->poll($authz, 'pending');
        $res = post_and_kill($order->{finalize}, { csr => $csr }, $moment);
        $res = $c->poll($order->{self}, 'processing')
            if $res->{json}{status} eq 'processing';
        $seen{ $res->{json}{status} }++;
        $seen{certificate}++
            if $c->get($res->{json}{certificate} // $authz)->{body}
            =~ /^-----BEGIN/;
    }
    is_deeply(\%seen, { valid => $rounds, certificate => $rounds },
        "H11 $mpm: kill -9 at each moment of $rounds flows");
    AcmeFlows::settled($server, "H11 $mpm");
}

sub asked {
    my ($token) = @_;
    return scalar grep { $_->[1] =~ m{/\Q$token\E$} } $responder->requests;
}

# All children die while a validation hangs; then the client's web server is
# well again, and another child completes the order.
sub killed_while_validating {
    my ($mpm) = @_;
    my $order = $c->order('b.test')->{json};
    my $url   = $order->{authorizations}[0];
    my $chall = AcmeClient::challenge($c->get($url)->{json});
    $responder->put($chall->{token}, 'HANG');
    is($c->post($chall->{url}, {})->{json}{status}, 'processing',
        "H11 $mpm: a validation hangs");
    AcmeServer::wait_for(10, sub { asked($chall->{token}) || undef });
    # For the new child, which looks at once.
    $responder->put($chall->{token}, $c->key_authorization($chall->{token}));
    kill 'KILL', $server->children;
    my $start = time;
    $c->detach;
    is($c->poll($url, 'pending')->{json}{status}, 'valid',
        "H11 $mpm: another child validates");
    cmp_ok(time - $start, '<', 8, "H11 R20 $mpm: within a few seconds");
    my $res = $c->finalize({ %$order }, $c->csr(['b.test']));
    is($res->{json}{status}, 'valid', "H11 $mpm: and the order is completed");
}

for my $mpm ($ENV{ACME_MPM} || qw(event worker prefork)) {
    $server = AcmeServer->new(mpm => $mpm, global => $children{$mpm},
        http01_port => $responder->{port}, vhost => AcmeFlows->vhost
            . 'CustomLog logs/pid.log "%P %q"')->start;
    $c = AcmeWire->new(server => $server, sturdy => 30);
    $c->register;
    killed_while_validating($mpm);
    killed_while_flows_run($mpm, $mpm eq 'event' ? 10 : 5);
    $responder->thumbprint($c->thumbprint);
    killed_at_each_step($mpm, $mpm eq 'event' ? 14 : 7);
    $responder->thumbprint('');
    $server->finish(qr{AH1039[23]: children are killed});
}
done_testing;
