# SPDX-License-Identifier: Apache-2.0
package AcmeChild;

# What a test starts and does not leave behind: the parent class of servers in
# a child process, which has a process group of its own.

use strict;
use warnings;
use POSIX ();

my $starter = $$;
my @running;

# Call this in the child.
sub begin {
    my ($self, $code) = @_;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        $SIG{TERM} = $SIG{INT} = 'DEFAULT';
        setpgrp;
        $code->();
        POSIX::_exit(127);
    }
    $self->{pid} = $pid;
    push @running, $self;
}

sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;
    kill 'KILL', -$pid;
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
