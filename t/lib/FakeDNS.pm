# SPDX-License-Identifier: Apache-2.0
package FakeDNS;

# A name server on loopback, in a child process, for A and AAAA.

use strict;
use warnings;
use IO::Socket::INET;
use POSIX ();
use Socket qw(inet_pton AF_INET AF_INET6);

use AcmeServer;

my $starter = $$;
my @running;
my %rcode = (NXDOMAIN => 3, SERVFAIL => 2, REFUSED => 5);

# names: {name => [addresses], or a word of %rcode, or 'HANG'}; others do not
# exist.
sub new {
    my ($class, %o) = @_;
    my $self   = bless { names => {}, %o }, $class;
    my $socket = IO::Socket::INET->new(Proto => 'udp',
        LocalAddr => '127.0.0.1') or die "no UDP port: $!\n";
    $self->{port} = $socket->sockport;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        $SIG{TERM} = $SIG{INT} = 'DEFAULT';
        $self->serve($socket);
        POSIX::_exit(0);
    }
    $self->{pid} = $pid;
    push @running, $self;
    return $self;
}

# What ACMEResolver takes.
sub server { return "127.0.0.1:$_[0]{port}" }

sub serve {
    my ($self, $socket) = @_;
    while (1) {
        my $from  = $socket->recv(my $packet, 1500) // next;
        my $reply = $self->reply($packet) // next;
        $socket->send($reply, 0, $from);
    }
}

sub reply {
    my ($self, $packet) = @_;
    my ($id, $flags) = unpack 'nn', $packet;
    my ($at, @labels) = (12);
    while (my $len = unpack "x$at C", $packet) {
        push @labels, substr $packet, $at + 1, $len;
        $at += $len + 1;
    }
    my $question = substr $packet, 12, $at + 5 - 12;
    my $type     = unpack 'n', substr $question, -4;
    my $known    = $self->{names}{ lc join '.', @labels } // 'NXDOMAIN';
    return if $known eq 'HANG';
    my @data = ref $known ? grep { defined } map {
        $type == 1 ? inet_pton(AF_INET, $_) : $type == 28
            ? inet_pton(AF_INET6, $_) : undef } @$known : ();
    return pack('n6', $id, 0x8480 | $flags & 0x100 | ($rcode{$known} // 0), 1,
        scalar @data, 0, 0)
        . $question
        . join '', map { pack 'n3 N n/a*', 0xc00c, $type, 1, 60, $_ } @data;
}

sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;
    kill 'KILL', $pid;
    waitpid $pid, 0;
}

END {
    my $status = $?;
    if ($$ == $starter) {
        $_->stop for @running;
    }
    $? = $status;
}

1;
