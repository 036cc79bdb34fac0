#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Hostile clients from many addresses, all at once: slow headers and bodies,
# large bodies, mutated requests, floods.  Who behaves gets his certificates
# meanwhile, limits are answered by problem documents, and memory is bounded.
# ACME_SEED repeats a random run; ACME_MUTATIONS: how many (240).

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep);

use AcmeCheck;
use AcmeFlows;
use AcmeOperator;
use AcmeResponder;
use AcmeServer;
use AcmeWire;

my $seed = srand($ENV{ACME_SEED} || (time ^ $$));
note "ACME_SEED=$seed";
my $responder = AcmeResponder->new;
# Two children that stay, so that memory can be compared; mod_reqtimeout as
# Debian has it.
my $server = AcmeServer->new(mpm => 'event', http01_port => $responder->{port},
    modules => ['reqtimeout'], hosts => [map {"$_.test"} 'a' .. 'f'],
    global => <<'EOT', vhost => AcmeFlows->vhost)->start;
StartServers 2
ServerLimit 2
ThreadsPerChild 64
MaxRequestWorkers 128
MinSpareThreads 1
MaxSpareThreads 128
MaxKeepAliveRequests 0
RequestReadTimeout header=20-40,minrate=500
RequestReadTimeout body=10,minrate=500
ACMERateLimit accounts-per-address 5/1h
ACMERateLimit pending-orders 10
ACMENonceSlots 1024
EOT
# Floods take nonces away before they are used: clients try again.
my $c = AcmeWire->new(server => $server, sturdy => 10);
my $json = JSON::PP->new->canonical->utf8;
my $address = 1;
my %pids;

# A client that comes from an address of its own.
sub stranger { return $c->another(from => '127.0.0.' . ++$address, @_) }

# In a process of its own; sub returns what it found, counted: {text => number}.
sub attack {
    my ($name, $sub) = @_;
    my $first = $address += 10;
    my $pid = fork // die "fork: $!";
    if ($pid) {
        $pids{$name} = $pid;
        return;
    }
    $SIG{TERM} = 'DEFAULT';
    srand $seed + $first;
    my %found;
    eval { $found{$_}++ for $sub->(); 1 } or $found{"died: $@"} = 1;
    AcmeServer::write_file("$server->{dir}/$name", $json->encode(\%found));
    POSIX::_exit(0);
}

# What an attack has found, when it is over.
sub found {
    my ($name) = @_;
    waitpid delete $pids{$name}, 0;
    return $json->decode(AcmeServer::read_file("$server->{dir}/$name"));
}

# "429 rateLimited", or what is wrong with it.
sub outcome {
    my ($res) = @_;
    return 'no answer' if !$res;
    return $res->{status} if $res->{status} < 400;
    my @faults = refusal_faults($res);
    return @faults ? "$res->{status}: @faults"
        : "$res->{status} " . AcmeClient::problem($res);
}

# Half a request, and then nothing, or an octet now and then.
sub slow {
    my ($drip, $octets) = @_;
    my @clients = map { stranger(timeout => 60) } 1 .. 20;
    $_->send_octets($octets, 'POST') for @clients;
    for (1 .. ($drip ? 24 : 0)) { # longer than ten seconds
        sleep 0.5;
        $_->send_octets('x', 'POST') for @clients;
    }
    $#{ $_->{asked} } = 0 for @clients;
    return map { outcome(eval { $_->response }) } @clients;
}

sub slow_headers {
    return slow(0, "POST /acme/new-order HTTP/1.1\r\nHost: localhost\r\nX: ");
}

sub slow_bodies {
    return slow($_[0], $c->compose('POST', $c->endpoints->{newOrder},
        body => '{', length => 60000,
        headers => ['Content-Type: application/jose+json']));
}

# 10 MB, announced or in chunks; the server need not read them.
sub large_bodies {
    my $body = 'x' x 10_000_000;
    my $url = $c->endpoints->{newOrder};
    my @type = 'Content-Type: application/jose+json';
    my @found;
    for my $i (1 .. 10) {
        my $w = stranger(timeout => 30);
        $w->request('POST', $url, body => $body, headers => \@type) if $i % 2;
        $w->request('POST', $url, length => undef,
            headers => [@type, 'Transfer-Encoding: chunked'], body =>
            sprintf("%x\r\n%s\r\n0\r\n\r\n", length $body, $body))
            if $i % 2 == 0;
        push @found, outcome(eval { $w->response });
        $w->detach;
    }
    return @found;
}

sub mutate {
    my ($text) = @_;
    for (0 .. int rand 4) {
        my $at = int rand length $text;
        my $what = int rand 5;
        if    ($what == 0) { substr $text, $at, 1, chr int rand 256 }
        elsif ($what == 1) { substr $text, $at, 1 + int rand 30, '' }
        elsif ($what == 2) { substr $text, $at, 0, substr $text, rand $at, 30 }
        elsif ($what == 3) { $text = substr $text, 0, $at }
        else { substr $text, $at, 0, chr(int rand 128) x int rand 200 }
        return 'x' if !length $text;
    }
    return $text;
}

# Many requests on one connection at once, then their answers.
sub pipelined {
    my ($w, @requests) = @_;
    my @found;
    while (my @some = splice @requests, 0, 50) {
        $w->request(@$_) for @some;
        push @found, map { outcome(eval { $w->response }) } @some;
    }
    return @found;
}

# Of a JWS whose nonce is not good, so that the same three members are no good
# request either.  httpd closes the connection after each 400.
sub mutations {
    my $url = $c->endpoints->{newOrder};
    my $number = ($ENV{ACME_MUTATIONS} || 240) / 8;
    my $body = $c->jws($url, { identifiers => [{ type => 'dns',
        value => 'a.test' }] }, nonce => 'AAAAAAAAAAAAAAAAAAAAAA');
    my @found;
    for (1 .. $number) {
        my @clients = map { stranger() } 1 .. 8;
        $_->post_soon($url, mutate($body)) for @clients;
        push @found, map { outcome(eval { $_->response }) } @clients;
        $_->detach for @clients;
        $address -= 8;
    }
    return @found;
}

sub nonces {
    return map { pipelined(stranger(),
        (['HEAD', $c->endpoints->{newNonce}]) x 400) } 1 .. 8;
}

# Accounts, and orders of the first one of each address.
sub accounts {
    my @found;
    for (1 .. 4) {
        my @clients = map { AcmeWire->new(server => $server, sturdy => 10,
            from => "127.0.0.$address") } 1 .. 7;
        $address++;
        push @found, map { 'account ' . outcome($_->register) } @clients;
        push @found, map { 'order ' . outcome($clients[0]->order('f.test')) }
            1 .. 15;
        $_->detach for @clients;
    }
    return @found;
}

$c->certificate($responder, 'a.test');
my $flows = AcmeFlows->new(server => $server, responder => $responder,
    workers => 2);
AcmeWire::detach($c);
my $before = memory($server);
attack('slow headers', \&slow_headers);
attack('slow bodies', sub { slow_bodies(0) });
attack('dripping bodies', sub { slow_bodies(1) });
attack('large bodies', \&large_bodies);
attack($_->[0], $_->[1]) for ['mutations', \&mutations], ['nonces', \&nonces],
    ['accounts', \&accounts];
$flows->start;

my $found = found('mutations');
ok(!(grep { !/^4\d\d \w+$/ } keys %$found), 'mutated requests: all refused')
    or diag explain $found;
is_deeply(found('nonces'), { 200 => 3200 }, 'nonces for everybody');
is_deeply(found('accounts'), { 'account 201' => 20,
    'account 429 rateLimited' => 8, 'order 201' => 40,
    'order 429 rateLimited' => 20 }, 'T25 limits of addresses and accounts');
$found = found('large bodies');
cmp_ok(delete $found->{'413 malformed'}, '>=', 5, '10 MB bodies: 413');
delete $found->{'no answer'}; # who goes on sending may not see it
ok(!%$found, '10 MB bodies: nothing else') or diag explain $found;
is_deeply(found('slow bodies'), { '408 malformed' => 20 }, 'slow bodies: 408');
is_deeply(found('dripping bodies'), { '408 malformed' => 20 },
    'bodies that drip: 408');
$found = found('slow headers');
ok(!(grep { !/^(?:408|no answer)/ } keys %$found),
    'slow headers: the core closes') or diag explain $found;
$flows->check('meanwhile', 10);
my $after = memory($server);
cmp_ok($after, '<', $before + (AcmeServer::sanitizer_env() ? 2000 : 60),
    sprintf 'memory: %.1f MB before, %.1f MB afterwards', $before, $after);
like($c->verify($c->certificate($responder, 'b.test'), 'b.test'), qr/OK/,
    'and all is well');
unlike($server->log, qr/exit signal/, 'no child has died');
$server->finish;
done_testing;

END {
    my $status = $?;
    kill 'KILL', values %pids;
    $? = $status;
}
