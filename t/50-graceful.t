#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Graceful restarts in the middle of an order, at every step, and every second
# while flows run: no flow fails (H11, T22, R5).

use strict;
use warnings;
use Fcntl qw(:flock);
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

my $responder = AcmeResponder->new;
my ($server, $c);

# Restart, and go on: on the connection that there is, and with the nonce that
# the client has.
sub restart { $server->graceful }

sub each_step {
    my ($mpm) = @_;
    restart();
    answered($c->register, 201, "H11 $mpm: newAccount");
    restart();
    my $order = $c->order('a.test')->{json};
    is($order->{status}, 'pending', "H11 $mpm: newOrder");
    restart();
    my $authz = $c->get($order->{authorizations}[0])->{json};
    is($authz->{status}, 'pending', "H11 $mpm: authorization");
    restart();
    my $chall = AcmeClient::challenge($authz);
    $responder->put($chall->{token}, $c->key_authorization($chall->{token}));
    answered($c->post($chall->{url}, {}), 200, "H11 $mpm: challenge");
    restart();
    is($c->poll($order->{authorizations}[0], 'pending')->{json}{status},
        'valid', "H11 $mpm: validation");
    restart();
    my $res = $c->finalize($order, $c->csr(['a.test']));
    is($res->{json}{status}, 'valid', "H11 $mpm: finalize");
    restart();
    my $pem = $c->get($res->{json}{certificate})->{body};
    like($c->verify($pem, 'a.test'), qr/OK/, "H11 $mpm: certificate");
}

sub asked {
    my ($token) = @_;
    return scalar grep { $_->[1] =~ m{/\Q$token\E$} } $responder->requests;
}

# The child that validates is told to go.
sub while_validating {
    my ($mpm) = @_;
    my $order = $c->order('b.test')->{json};
    my $url   = $order->{authorizations}[0];
    my $chall = AcmeClient::challenge($c->get($url)->{json});
    $responder->put($chall->{token}, 'HANG');
    $c->post($chall->{url}, {});
    AcmeServer::wait_for(10, sub { asked($chall->{token}) || undef });
    # For the new child, which looks at once.
    $responder->put($chall->{token}, $c->key_authorization($chall->{token}));
    restart();
    my $start = time;
    is($c->poll($url, 'pending')->{json}{status}, 'valid',
        "H11 $mpm: a validation that hung is taken over");
    cmp_ok(time - $start, '<', 12, "H11 R20 $mpm: within a few seconds");
}

# Restarts while finalize waits for its worker: the answer is good anyway.  A
# child that goes closes a connection that was kept alive, if it has not read
# the request yet (RFC 9112 9.3.1): nothing was done then, and it is sent again.
sub while_finalizing {
    my ($mpm) = @_;
    $responder->thumbprint($c->thumbprint);
    my %seen;
    for my $i (1 .. 6) {
        my $order = $c->order('c.test')->{json};
        $order = $c->authorize($order) if $order->{status} ne 'ready';
        my $asked = { csr => encode_base64url($c->csr(['c.test'])) };
        my $body  = $c->jws($order->{finalize}, $asked);
        my $w     = $c->another;
        $w->http('HEAD', $c->endpoints->{newNonce});
        $w->post_soon($order->{finalize}, $body);
        sleep 0.002 * $i;
        restart();
        my $res = $w->response;
        if (!$res && $c->get($order->{self})->{json}{status} eq 'ready') {
            $seen{unread}++;
            $res = $c->post($order->{finalize}, $asked);
        }
        $seen{ $res ? $res->{status} : 'nothing' }++;
        is($c->poll($order->{self}, 'processing')->{json}{status}, 'valid',
            "H11 $mpm: restart while finalize runs ($i)");
    }
    cmp_ok(delete $seen{unread} || 0, '<', 6, "H11 $mpm: some were read");
    is_deeply(\%seen, { 200 => 6 }, "H11 $mpm: each of them was answered");
    $responder->thumbprint('');
}

sub lock_file {
    open my $fh, '+<', AcmeCheck::database($server) . '.lock' or die $!;
    flock $fh, LOCK_EX or die $!;
    return $fh;
}

# Two children of the old generation want to write, one behind the other, when
# the parent forgets all that was theirs.  Who waits for more than two seconds
# is refused, so a slow restart does not count.
sub while_writing {
    my ($mpm) = @_;
    for my $try (1 .. 5) {
        my @bodies = map { $c->jws($c->endpoints->{newOrder},
            { identifiers => [{ type => 'dns', value => 'd.test' }] }) } 1, 2;
        my @two = map { $c->another } @bodies;
        $_->http('HEAD', $c->endpoints->{newNonce}) for @two;
        my $lock  = lock_file();
        my $start = time;
        $two[$_]->post_soon($c->endpoints->{newOrder}, $bodies[$_]) for 0, 1;
        sleep 0.2;
        restart();
        close $lock;
        my $took = time - $start;
        my @res  = map { $_->response } @two;
        next if $took > 1.5 && $try < 5;
        is_deeply([map { $_ ? $_->{status} : 'nothing' } @res], [201, 201],
            "H11 $mpm: restart while two children write");
        cmp_ok(time - $start, '<', 2, "H11 $mpm: who waits is not forgotten");
        return;
    }
}

# Background threads are at the lock file when the server stops.
sub while_waiting {
    my ($mpm) = @_;
    my $lock = lock_file();
    restart();
    $server->stop;
    close $lock;
    $server->start;
    answered($c->another->order('e.test'), 201,
        "H11 $mpm: stopped while a thread waits");
}

sub descriptors { return scalar(() = glob "/proc/$server->{pid}/fd/*") }

sub every_second {
    my ($mpm, $times) = @_;
    my @old = $server->children;
    my $descriptors = descriptors();
    my $flows = AcmeFlows->new(server => $server, responder => $responder,
        workers => 3)->start;
    for (1 .. $times) {
        sleep 1;
        push @old, $server->children;
        restart();
    }
    $flows->check("H11 $mpm: $times graceful restarts", $times);
    ok(AcmeServer::wait_for(15, sub {
        my %now = map { $_ => 1 } $server->children;
        return grep({ $now{$_} } @old) ? undef : 1;
    }), "H11 $mpm: children that were to go have gone");
    is(descriptors(), $descriptors, "H11 $mpm: the parent has no more files");
}

for my $mpm ($ENV{ACME_MPM} || qw(event worker prefork)) {
    $server = AcmeServer->new(mpm => $mpm, http01_port => $responder->{port},
        vhost => AcmeFlows->vhost)->start;
    $c = AcmeWire->new(server => $server);
    each_step($mpm);
    while_validating($mpm);
    while_finalizing($mpm);
    while_writing($mpm) if $mpm eq 'prefork';
    while_waiting($mpm);
    every_second($mpm, $mpm eq 'event' ? 8 : 5);
    AcmeFlows::settled($server, "H11 $mpm");
    # AH00546: httpd counts its generations; a child may leave before it is in.
    # AS0250, and AH00045 where that is slow: while_waiting.
    $server->finish(qr{AH00045|AH00546|AS0250.*lock file});
}
done_testing;
