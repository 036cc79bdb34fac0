# SPDX-License-Identifier: Apache-2.0
package FaultsSigns;

# What shows that something did happen to a server: its logs, its processes, its
# answers, its database; never what the harness thinks that it did.

use strict;
use warnings;
use IO::Socket::INET;
use Time::HiRes qw(sleep time);

use AcmeCheck qw(sql);
use AcmeServer;

# The longest that anything may take to show, seconds; a fault lasts until then.
our $patience = 15;

sub new {
    my ($class, $server) = @_;
    my $self = bless { server => $server,
        access_log => "$server->{dir}/logs/access.log" }, $class;
    $self->mark;
    return $self;
}

# What comes later is new.
sub mark {
    my ($self) = @_;
    $self->{from} = { access_log => -s $self->{access_log} || 0,
        error_log => -s $self->{server}{error_log} || 0 };
}

sub tail {
    my ($path, $from) = @_;
    open my $fh, '<', $path or return '';
    seek $fh, $from, 0;
    local $/;
    return scalar(<$fh>) // '';
}

# Is there anything new in the error log that matches?
sub said {
    my ($self, $regex) = @_;
    my $from = $self->{from}{error_log};
    return tail($self->{server}{error_log}, $from) =~ $regex;
}

# Requests that were refused for the time being.
sub refused {
    my ($self) = @_;
    my $text = tail($self->{access_log}, $self->{from}{access_log});
    return scalar(() = $text =~ /^\S+ \S+ \S+ 503 /mg);
}

# The database is ill, and clients are told.
sub ill {
    my ($self, $why) = @_;
    return 1 if $self->said(qr/AS0250: .*(?:$why)/) && $self->refused;
    return;
}

# Nobody answers at the server's port.
sub deaf {
    my ($self) = @_;
    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $self->{server}{port}, Timeout => 2);
    return $socket ? undef : 1;
}

# Is that process stopped?
sub frozen {
    my ($pid) = @_;
    return AcmeServer::read_file("/proc/$pid/stat") =~ /\) T / ? 1 : undef;
}

sub sockets {
    my ($pid) = @_;
    my @links = map { readlink // () } glob "/proc/$pid/fd/*";
    return scalar grep {/^socket:/} @links;
}

# The child that has most to do.
sub busiest {
    my ($self) = @_;
    my %count = map { $_ => sockets($_) } $self->{server}->children;
    return (sort { $count{$b} <=> $count{$a} } keys %count)[0];
}

# There is a child, and it is none of these.
sub replaced {
    my ($self, $before) = @_;
    return scalar grep { !$before->{$_} } $self->{server}->children;
}

# All children may have so many descriptors, and no more.
sub limited {
    my ($self, $limit) = @_;
    my @pids = $self->{server}->children or return;
    for (@pids) {
        return if AcmeServer::read_file("/proc/$_/limits")
            !~ /^Max open files +$limit /m;
    }
    return 1;
}

my $failing = "SELECT id FROM authzs WHERE status = 'invalid'";
my $waiting = "SELECT id FROM authzs WHERE status = 'pending'"
    . ' AND attempted IS NOT NULL';

sub ids {
    my ($self, $query) = @_;
    return { map { $_ => 1 } split /\n/, sql($self->{server}, $query) };
}

# A validation fails, or is not over after a second.
sub unreachable {
    my ($self, $known) = @_;
    my $before = $self->ids($waiting);
    sleep 1;
    my $after  = $self->ids($waiting);
    my $failed = $self->ids($failing);
    return 1 if grep { $after->{$_} } keys %$before;
    return 1 if grep { !$known->{$_} } keys %$failed;
    return;
}

sub failed { return $_[0]->ids($failing) }

# The last event's time is that far from ours.
sub shifted {
    my ($self, $seconds) = @_;
    my $at = sql($self->{server},
        'SELECT at FROM events ORDER BY id DESC LIMIT 1');
    chomp $at;
    return 1 if $at && abs($at - time - $seconds) < 1.5;
    sleep 0.1;
    return;
}

# How often an operator is in the audit trail.
sub operated {
    my ($self) = @_;
    my $count = sql($self->{server},
        "SELECT count(*) FROM events WHERE who LIKE 'acmectl:%'");
    chomp $count;
    return $count;
}

# Wait until it shows.
sub shows {
    my ($self, $sign, $seconds) = @_;
    return AcmeServer::wait_for($seconds // $patience, $sign) ? 1 : 0;
}

1;
