# SPDX-License-Identifier: Apache-2.0
package FaultsPhases;

# What happens to the server, phase by phase.  Each goes on until a time, but
# happens once at least, and says how often it did and how often that showed
# (FaultsSigns.pm): {times, shown}.

use strict;
use warnings;
use POSIX ();
use Test::More;
use Time::HiRes qw(sleep time);

use AcmeOperator;
use AcmeServer;
use FaultsClock;
use FaultsSigns;

my $starter = $$;

# server, place, postgres
sub new {
    my ($class, %o) = @_;
    return bless { %o, signs => FaultsSigns->new($o{server}) }, $class;
}

sub is_phase { return $_[0]->can("phase_$_[1]") }

sub run {
    my ($self, $name, $until) = @_;
    return $self->can("phase_$name")->($self, $until);
}

# Something that starts, is seen (or long enough waited for) and ends, again and
# again.
sub now_and_then {
    my ($self, $until, $pause, $length, $begin, $sign, $end) = @_;
    my ($times, $shown) = (0, 0);
    do {
        my $start = time;
        $self->{signs}->mark;
        $begin->($times);
        $shown += $self->{signs}->shows($sign);
        my $left = $start + $length - time;
        sleep $left if $left > 0;
        $end->($times) if $end;
        $times++;
        sleep $pause;
    } while (time + $length < $until);
    return { times => $times, shown => $shown };
}

# Children come and go; who was killed is gone, and somebody else is there.
sub phase_kill {
    my ($self, $until) = @_;
    my $server = $self->{server};
    my %before = map { $_ => 1 } $server->children;
    my %by_us;
    do {
        sleep 0.1 + rand 0.3;
        my @pids = grep { !$by_us{$_} } $server->children;
        my $pid  = $pids[rand @pids];
        $by_us{$pid} = 1 if $pid && kill 'KILL', $pid;
    } while (time < $until || (!%by_us && time < $until + 10));
    my $shown = 0;
    $self->{signs}->shows(sub {
        $shown = grep { !-e "/proc/$_" } keys %by_us;
        return 1 if $shown == keys %by_us && $self->{signs}->replaced(\%before);
        return;
    });
    return { times => scalar(keys %by_us), shown => $shown };
}

# Perhaps with the lock on the database.
sub phase_freeze {
    my ($self, $until) = @_;
    my @pids;
    return $self->now_and_then($until, 1, 2, sub { @pids = () }, sub {
        return 1 if grep { FaultsSigns::frozen($_) } @pids;
        push @pids, $self->{signs}->busiest // ();
        kill 'STOP', @pids;
        return;
    }, sub { kill 'CONT', @pids });
}

sub phase_crash {
    my ($self, $until) = @_;
    my $server = $self->{server};
    return $self->now_and_then($until, 2, 0.2, sub {
        kill 'KILL', -$server->{pid};
        waitpid $server->{pid}, 0;
    }, sub { $self->{signs}->deaf }, sub { $server->start });
}

sub phase_stop {
    my ($self, $until) = @_;
    my $server = $self->{server};
    return $self->now_and_then($until, 2, 0.2, sub { $server->stop }, sub {
        return $self->{signs}->said(qr/caught SIGTERM, shutting down/)
            ? $self->{signs}->deaf : undef;
    }, sub { $server->start });
}

sub phase_restart {
    my ($self, $until) = @_;
    return $self->now_and_then($until, 0, 1, sub { $self->{server}->graceful },
        sub {
            my $asked = qr/SIGUSR1 received|Graceful restart requested/;
            my $both  = qr/$asked.*resuming normal operations/s;
            return $self->{signs}->said($both) ? 1 : undef;
        });
}

my @commands = (['db', 'check'], ['audit', 'verify'], ['db', 'prune'],
    map { ['cert', 'revoke', '--name', "w$_-n0.bench.test"] } 0 .. 3);

sub operator_run {
    my ($self, $command) = @_;
    my $pid = fork // die "fork: $!";
    return $pid if $pid;
    setpgrp;
    my ($code, $text, $errors) = acmectl($self->{server}, @$command);
    diag "acmectl @$command: $code $errors" if $code && $code != 3;
    POSIX::_exit($code ? 1 : 0);
}

# Every other command is killed at some moment.  That of all others shows in the
# audit trail which revokes or makes a backup; so there is to be one.
sub phase_operator {
    my ($self, $until) = @_;
    my $backup = "$self->{server}{dir}/backup";
    my $before = $self->{signs}->operated;
    my ($end, $times, $ended, $killed, $shown) = (time + 60, 0, 0, 0, 0);
    for (; time < $until || ($times < 2 || !$ended || !$killed || !$shown)
        && time < $end; $times++)
    {
        system 'rm', '-rf', $backup;
        my $pid = $self->operator_run(
            (@commands, ['db', 'backup', $backup])[rand @commands + 1]);
        if ($times % 2) {
            sleep 0.02 + rand 0.5;
            kill 'KILL', -$pid;
        }
        waitpid $pid, 0;
        $ended++  if $? == 0;
        $killed++ if ($? & 127) == POSIX::SIGKILL();
        $shown ||= $self->{signs}->operated > $before;
    }
    $shown = 0 if !$ended || !$killed;
    return { times => $times, shown => $shown ? $times : 0 };
}

# Not enough for all that a busy child opens.
sub phase_few {
    my ($self, $until) = @_;
    my $server = $self->{server};
    my ($limit, @limits) = (undef, 30, 48, 36, 60);
    my $got = $self->now_and_then($until, 0, 3, sub {
        $limit = $limits[$_[0] % @limits];
        $server->stop;
        limit($limit);
        $server->start;
        limit(1024);
    }, sub { $self->{signs}->limited($limit) });
    $server->stop;
    $server->start;
    return $got;
}

sub limit {
    system('prlimit', '--pid', $$, "--nofile=$_[0]:") == 0 or die "prlimit\n";
}

sub phase_full {
    my ($self, $until) = @_;
    my $filler = "$self->{server}{state}/filler";
    return $self->now_and_then($until, 2, 2, sub {
        open my $fh, '>', $filler or die $!;
        1 while (syswrite $fh, 'x' x 65536) || syswrite $fh, 'x' x 512;
    }, sub { $self->{signs}->ill('full|disk I/O') }, sub { unlink $filler });
}

# Children that have the files open write on; so some are to begin anew, until
# one of those is asked.
sub phase_readonly {
    my ($self, $until) = @_;
    my $dir = "$self->{server}{state}/db";
    my @was;
    return $self->now_and_then($until, 2, 2, sub {
        my @pids = $self->{server}->children;
        @was = map { [$_, (stat)[2, 4, 5]] } $dir, glob "$dir/*";
        chown 0, 0, map { $_->[0] } @was;
        chmod -d $_->[0] ? 0555 : 0444, $_->[0] for @was;
        kill 'KILL', @pids[0 .. @pids / 2];
    }, sub {
        my $is_ill = sub { $self->{signs}->ill('.') };
        return 1 if $self->{signs}->shows($is_ill, 0.5);
        kill 'KILL', $self->{signs}->busiest // ();
        return;
    }, sub {
        for (@was) {
            chown @$_[2, 3], $_->[0];
            chmod $_->[1] & 07777, $_->[0];
        }
    });
}

# What comes back is the same, or a copy: other files.
sub phase_gone {
    my ($self, $until) = @_;
    my ($dir, $away) = map {"$self->{server}{state}/$_"} qw(db away);
    return $self->now_and_then($until, 2, 2,
        sub { rename $dir, $away or die $! },
        sub { $self->{signs}->ill('.') }, sub {
        return rename($away, $dir) || die $! if $_[0] % 2 == 0;
        system('cp', '-a', $away, "$away.copy") == 0 or die;
        rename "$away.copy", $dir or die $!;
        system 'rm', '-r', $away;
    });
}

# Everybody is disconnected.
sub phase_away {
    my ($self, $until) = @_;
    return $self->now_and_then($until, 2, 2, sub { $self->{postgres}->stop },
        sub { $self->{signs}->ill('.') }, sub { $self->{postgres}->start });
}

sub phase_net {
    my ($self, $until) = @_;
    my $place = $self->{place};
    my $known;
    return $self->now_and_then($until, 2, 3, sub {
        $known = $self->{signs}->failed;
        $_[0] % 2 ? $place->silence : $place->unplug;
    }, sub { $self->{signs}->unreachable($known) },
        sub { $_[0] % 2 ? $place->silence(1) : $place->plug });
}

# Children are killed, and all of them restarted.
sub storm_begin {
    my ($server, $end) = @_;
    my $pid = fork // die "fork: $!";
    return $pid if $pid;
    while (time < $end && getppid == $starter) {
        sleep 0.2 + rand 0.5;
        kill 'USR1', $server->{pid} if rand() < 0.3;
        my @pids = $server->children or next;
        kill 'KILL', $pids[rand @pids];
    }
    POSIX::_exit(0);
}

# Each for a moment, in any order, while children are killed and restarted.
sub phase_storm {
    my ($self, $until) = @_;
    my @some = qw(full readonly gone net);
    my ($times, $shown) = (0, 0);
    do {
        my %before = map { $_ => 1 } $self->{server}->children;
        my $end = time + 4.5;
        my $pid = storm_begin($self->{server}, $end);
        my $got = $self->run($some[rand @some], $end);
        kill 'KILL', $pid;
        waitpid $pid, 0;
        $times++;
        $shown++ if $got->{times} == $got->{shown}
            && $self->{signs}->replaced(\%before);
    } while (time + 5 < $until);
    return { times => $times, shown => $shown };
}

# Seconds; the server is told by FaultsClock.pm.
my @offsets = (93600, -93600, 3, -7200, 7200, -3);

sub phase_clock {
    my ($self, $until) = @_;
    my $server = $self->{server};
    my $offset;
    return $self->now_and_then($until, 2, 3, sub {
        $offset = $offsets[$_[0] % @offsets];
        FaultsClock::set($server, $offset);
    }, sub { $self->{signs}->shifted($offset) },
        sub { FaultsClock::set($server, 0) });
}

1;
