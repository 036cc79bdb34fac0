# SPDX-License-Identifier: Apache-2.0
package FaultsLoad;

# acme-bench in the background: clients that get one certificate after the
# other, and write down which.

use strict;
use warnings;
use POSIX ();

use AcmeServer;

my $starter = $$;
my $running;

sub new {
    my ($class, $server, $place, $clients) = @_;
    return bless { server => $server, place => $place, clients => $clients,
        issued => {} }, $class;
}

# sturdy: seconds that a request without an answer, or with a 503, is tried
# again.
sub start {
    my ($self, $name, $seconds, $sturdy) = @_;
    my $dir = $self->{server}{dir};
    my @command = ("$AcmeServer::build/acme-bench", '-d',
        $self->{server}{directory}, '-w', $self->{clients}, '-t',
        int($seconds), '-S', $sturdy, '-l', "$dir/flows", '-L',
        $self->{place}->inherit);
    unlink "$dir/flows", "$dir/figures";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDOUT, '>', "$dir/figures";
        exec @command or POSIX::_exit(127);
    }
    $running = $self->{pid} = $pid;
}

# Nobody begins anything new; then as stop.
sub end {
    my ($self) = @_;
    kill 'USR1', $self->{pid};
    return $self->stop;
}

# Waits for the end; the flows that failed, a line each.
sub stop {
    my ($self) = @_;
    my $dir = $self->{server}{dir};
    waitpid delete $self->{pid}, 0;
    $running = undef;
    $self->{figures} = AcmeServer::read_file("$dir/figures");
    my @failed = $? ? ("acme-bench: status $?\n") : ();
    for (split /^/, AcmeServer::read_file("$dir/flows")) {
        if (m{^ok \S+/(\S+) (\S+)$}) { $self->{issued}{ lc $2 } = $1 }
        else                        { push @failed, $_ }
    }
    return @failed;
}

END {
    my $status = $?;
    kill 'KILL', $running if $running && $$ == $starter;
    $? = $status;
}

1;
