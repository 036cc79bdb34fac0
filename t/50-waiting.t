#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# ACMEValidationWait: answers wait a moment for a validation, but never all
# threads at a time, and a graceful restart takes nobody his (H9, H11).

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Time::HiRes qw(sleep time);

use AcmeCheck;
use AcmeResponder;
use AcmeServer;
use AcmeWire;

my $wait      = 6; # seconds
my $many      = 6;
my $responder = AcmeResponder->new;
my ($server, $c);

sub server {
    my ($mpm, $global) = @_;
    $server = AcmeServer->new(mpm => $mpm, global => $global,
        http01_port => $responder->{port},
        hosts => ['a.test', map {"h$_.test"} 1 .. $many],
        vhost => "ACMEValidationWait ${wait}s\nACMEValidationTimeout 50s\n"
            . 'ACMEAuthzReuse off')->start;
    $c = AcmeWire->new(server => $server);
    $c->register;
    return $server;
}

# A challenge of each of these names, that is never answered.
sub holes {
    my @holes = map {
        my $chall = AcmeClient::challenge($c->get($_)->{json});
        $responder->put($chall->{token}, 'HANG');
        $chall->{url}
    } @{ $c->order(map {"h$_.test"} 1 .. $many)->{json}{authorizations} };
    return @holes;
}

# POSTs to all of these, on a connection each, which are not waited for.
sub post_all {
    my @posts = map { [$c->another, $_, $c->jws($_, {})] } @_;
    $_->[0]->http('HEAD', $c->endpoints->{newNonce}) for @posts;
    $_->[0]->post_soon(@$_[1, 2]) for @posts;
    return map { $_->[0] } @posts;
}

# How many have no answer yet.
sub waiting {
    my $ready = '';
    vec($ready, fileno $_->{socket}, 1) = 1 for @_;
    select($ready, undef, undef, 0);
    return scalar grep { !vec $ready, fileno $_->{socket}, 1 } @_;
}

sub pending_all {
    my ($what, @posts) = @_;
    my @res = map { $_->response } @posts;
    is_deeply([map { $_ ? "$_->{status} $_->{json}{status}" : 'nothing' } @res],
        [('200 processing') x @posts], $what);
}

server('event', <<'EOT');
StartServers 1
ServerLimit 2
ThreadsPerChild 8
MaxRequestWorkers 8
MinSpareThreads 1
MaxSpareThreads 8
EOT

subtest 'an answer that waited' => sub {
    $responder->thumbprint($c->thumbprint);
    my $url   = $c->order('a.test')->{json}{authorizations}[0];
    my $chall = AcmeClient::challenge($c->get($url)->{json});
    is($c->post($chall->{url}, {})->{json}{status}, 'valid',
        'the answer to a challenge says what came of it');
    $responder->thumbprint('');
};

subtest 'a quarter of eight threads' => sub {
    my $start = time;
    my @posts = post_all(holes());
    AcmeServer::wait_for($wait, sub { waiting(@posts) <= 2 || undef });
    is(waiting(@posts), 2, 'H9 two of them wait, the others are answered');
    $c->order('a.test');
    cmp_ok(time - $start, '<', $wait, 'before that is over');
    pending_all('and all are, in the end', @posts);
    cmp_ok(time - $start, '>', $wait - 1, 'after a while');
    cmp_ok(time - $start, '<', 2 * $wait - 1, 'but no longer than that');
};

# Whoever finds no room to wait has the attempt stored, which another one holds.
sub many_at_once {
    my ($count, $waiting) = @_;
    my $url   = $c->order('a.test')->{json}{authorizations}[0];
    my $chall = AcmeClient::challenge($c->get($url)->{json});
    $responder->put($chall->{token}, 'WAIT');
    my @posts = post_all(($chall->{url}) x $count);
    AcmeServer::wait_for($wait, sub { waiting(@posts) <= $waiting || undef });
    cmp_ok(waiting(@posts), '<=', $waiting, "H9 $waiting wait at most");
    $responder->put($chall->{token},
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    my $start = time;
    is($c->poll($url, 'pending')->{json}{status}, 'invalid', 'T65 it ends');
    cmp_ok(time - $start, '<', $wait, 'T65 at once');
    is_deeply([map { $_->response->{status} } @posts], [(200) x $count],
        'and each of them has an answer');
    my @asked = grep { $_->[1] =~ m{/\Q$chall->{token}\E$} }
        $responder->requests;
    cmp_ok(@asked, '<=', 2, 'T65 twice at most');
}

subtest 'many answers to one challenge, which fails' => sub {
    many_at_once($many, 2);
};

subtest 'a child that is told to go' => sub {
    my @posts = post_all(holes());
    AcmeServer::wait_for($wait, sub { waiting(@posts) <= 2 || undef });
    $server->graceful;
    $c->order('a.test');
    is(waiting(@posts), 2, 'H11 others are served meanwhile');
    pending_all('H11 all are answered', @posts);
};

$server->finish;

# A child whose threads are all busy closes connections that wait for a request,
# so each has more threads than there are connections.
server('event', <<'EOT');
StartServers 2
ServerLimit 2
ThreadsPerChild 16
MaxRequestWorkers 32
MinSpareThreads 8
MaxSpareThreads 32
EOT
subtest 'the same, by several children' => sub { many_at_once(12, 8) };
$server->finish;

server('prefork', "StartServers 2\nMaxRequestWorkers 10\n");
subtest 'prefork: a child has one thread only' => sub {
    my $start = time;
    pending_all('no answer waits', post_all(holes()));
    cmp_ok(time - $start, '<', $wait, 'H9 none of them');
};
$server->finish;
done_testing;
