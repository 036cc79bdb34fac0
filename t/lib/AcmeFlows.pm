# SPDX-License-Identifier: Apache-2.0
package AcmeFlows;

# Processes that get certificates, one after the other, while a test does
# something to the server; and what must hold afterwards.

use strict;
use warnings;
use MIME::Base64 qw(decode_base64);
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

use AcmeCheck;
use AcmeServer;
use AcmeWire;

my $starter = $$;
my @running;

# server, responder; workers; sturdy as AcmeWire has it; flows: so many each,
# else until stop().
sub new {
    my ($class, %o) = @_;
    return bless { workers => 4, sturdy => 0, flows => 0,
        dir => AcmeServer::tempdir(), %o }, $class;
}

# Directives that the flows want: each of them is to be validated.
sub vhost { return "ACMEAuthzReuse off\n" }

sub start {
    my ($self) = @_;
    my @clients = map { AcmeWire->new(server => $self->{server},
        sturdy => $self->{sturdy}) } 1 .. $self->{workers};
    $_->cacert, $_->endpoints for @clients;
    for my $n (0 .. $#clients) {
        my $pid = fork // die "fork: $!";
        if (!$pid) {
            $SIG{TERM} = 'DEFAULT';
            $clients[$n]->detach;
            $self->work($n, $clients[$n]);
            $clients[$n]->detach;
            POSIX::_exit(0);
        }
        push @{ $self->{pids} }, $pid;
    }
    $_->detach for @clients;
    push @running, $self;
    return $self;
}

sub work {
    my ($self, $n, $client) = @_;
    open my $out, '>>', "$self->{dir}/$n" or return;
    $out->autoflush;
    for (my $i = 0; !$self->{flows} || $i < $self->{flows}; $i++) {
        last if -e "$self->{dir}/stop";
        my $start = time;
        my @found = eval { flow($client, $self->{responder},
            ('a' .. 'e')[$i % 5] . '.test') };
        my $why = $@ =~ s/\s+/ /gr;
        print $out @found ? "ok @found" : "failed $why",
            sprintf " (%.3f s)\n", time - $start;
    }
    print $out "tries $client->{failures}\n";
}

# One certificate: the order's URL and the leaf in hexadecimal.
sub flow {
    my ($client, $responder, $name) = @_;
    if (!$client->{kid}) {
        my $res = $client->register;
        die "newAccount: $res->{body}\n" if !$client->{kid};
    }
    my $res = $client->order($name);
    die "newOrder: $res->{status} $res->{body}\n" if $res->{status} != 201;
    my $order = $client->authorize($res->{json}, $responder);
    die "order is $order->{status}\n" if $order->{status} ne 'ready';
    $res = $client->finalize($order, $client->csr([$name]));
    die "finalize: $res->{status} $res->{body}\n"
        if !$res->{json}{certificate};
    $res = $client->get($res->{json}{certificate});
    die "certificate: $res->{status} $res->{body}\n" if $res->{status} != 200;
    return ($order->{self}, leaf_hex($res->{body}));
}

sub leaf_hex {
    my ($pem) = @_;
    my ($leaf) = $pem =~ /BEGIN CERTIFICATE-----\n(.*?)-----END/s
        or die "no PEM: $pem\n";
    return uc unpack 'H*', decode_base64($leaf);
}

# Ends the workers after what they are doing; the lines that they wrote.
sub stop {
    my ($self, $seconds) = @_;
    AcmeServer::write_file("$self->{dir}/stop", '') if !$self->{flows};
    for my $pid (@{ $self->{pids} }) {
        my $end = AcmeServer::wait_for($seconds || 60,
            sub { waitpid($pid, POSIX::WNOHANG()) != 0 ? 1 : undef });
        kill 'KILL', $pid if !$end;
    }
    $self->{pids} = [];
    my @lines = map { split /\n/, AcmeServer::read_file("$self->{dir}/$_") }
        0 .. $self->{workers} - 1;
    $self->{tries} = 0;
    $self->{tries} += $_ for map { /^tries (\d+)/ ? $1 : () } @lines;
    return @lines;
}

# How many flows have ended so far.
sub count {
    my ($self) = @_;
    return scalar map { AcmeServer::read_file("$self->{dir}/$_")
            =~ /^(?:ok|failed)/mg } 0 .. $self->{workers} - 1;
}

# Nothing stays half done in the database, which is given some seconds.
sub settled {
    my ($server, $name) = @_;
    my $left = '';
    my $done = AcmeServer::wait_for(10, sub {
        $left = sql($server, "SELECT kind, subject FROM jobs WHERE kind IN"
            . " ('issue', 'validate') UNION ALL SELECT 'order', id FROM orders"
            . ' WHERE processing_since > 0 AND cert_id IS NULL'
            . ' AND error IS NULL');
        return $left eq '' ? 1 : undef;
    });
    ok($done, "$name: no order is stuck") or diag $left;
    is(sql($server, 'PRAGMA integrity_check'), "ok\n",
        "$name: the database is sound") if !$server->{postgres};
    is(sql($server, 'SELECT order_id FROM certs WHERE order_id IS NOT NULL'
        . ' GROUP BY order_id HAVING count(*) > 1'), '',
        "$name: no order has two certificates");
    is(sql($server, 'SELECT o.id FROM orders o LEFT JOIN certs c'
        . ' ON c.id = o.cert_id AND c.order_id = o.id'
        . ' WHERE o.cert_id IS NOT NULL AND c.id IS NULL'), '',
        "$name: each valid order has its own certificate");
}

# All flows went well, and each certificate is the one that its order has.
sub check {
    my ($self, $name, $least) = @_;
    my @lines = $self->stop;
    my @failed = grep { /^failed/ } @lines;
    my @ok = map { m{^ok \S+/(\S+) (\S+)} ? [$1, $2] : () } @lines;
    ok(!@failed, "$name: no flow failed") or diag join "\n", @failed;
    cmp_ok(@ok, '>=', $least // 1, "$name: " . @ok . " certificates, "
            . "$self->{tries} requests had to be repeated");
    settled($self->{server}, $name);
    my $hex = $self->{server}{postgres} ? "upper(encode(der, 'hex'))"
        : 'hex(der)';
    my %stored = map { /(.*)\|(.*)/ } split /\n/, sql($self->{server},
        "SELECT order_id, $hex FROM certs WHERE order_id IS NOT NULL");
    my @lost = grep { ($stored{ $_->[0] } // '') ne $_->[1] } @ok;
    ok(!@lost, "$name: each certificate is in the database")
        or diag join "\n", map { $_->[0] } @lost;
}

END {
    my $status = $?;
    if ($$ == $starter) {
        kill 'KILL', @{ $_->{pids} } for @running;
    }
    $? = $status;
}

1;
