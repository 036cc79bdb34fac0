# SPDX-License-Identifier: Apache-2.0
package AcmePostgres;

# A private PostgreSQL, on a socket in a temporary directory and nowhere else,
# stopped at exit.  t/README tells how a test uses it.

use strict;
use warnings;
use File::Temp ();
use POSIX qw(setgid setpgid setuid);
use Test::More;
use Time::HiRes qw(sleep time);

my $starter = $$;
my @running;

# Debian has the server's programs in none of PATH's directories.
sub program {
    my ($name) = @_;
    my ($path) = grep { -x } map({ "$_/$name" } split /:/, $ENV{PATH}),
        reverse sort glob "/usr/lib/postgresql/*/bin/$name";
    return $path;
}

# Is all here that a test needs?
sub is_here {
    my @drivers = map { glob "$_/apr-util-1/apr_dbd_pgsql*.so" }
        qw(/usr/lib/*-linux-gnu* /usr/lib64 /usr/lib /usr/local/lib
        /usr/local/apr/lib);
    return @drivers && program('initdb') && program('psql');
}

# It refuses to run as root.
sub unprivileged {
    return if $> != 0;
    my (undef, undef, $uid, $gid) = getpwnam 'nobody';
    $) = "$gid $gid";
    setgid($gid) && setuid($uid) or die "nobody: $!";
}

# fsync as an operator has it; user and database "acme"; settings => further
# lines of postgresql.conf.
sub new {
    my ($class, %o) = @_;
    my $dir = File::Temp::tempdir('acme-pgsql-XXXXXX', TMPDIR => 1,
        CLEANUP => 1);
    chmod 0755, $dir;
    my $self = bless { dir => $dir, %o }, $class;
    mkdir "$dir/data", 0700;
    chown scalar(getpwnam 'nobody'), -1, $dir, "$dir/data" if $> == 0;
    $self->as_server("$dir/initdb.log", program('initdb'), '-D', "$dir/data",
        qw(-U acme -A trust -E UTF8 --locale=C --no-sync)) == 0
        or die 'initdb: ' . slurp("$dir/initdb.log");
    open my $fh, '>>', "$dir/data/postgresql.conf" or die $!;
    print $fh "listen_addresses = ''\nunix_socket_directories = '$dir'\n",
        "max_connections = 200\n", $o{settings} // '';
    close $fh or die $!;
    push @running, $self->start;
    $self->sql('CREATE DATABASE acme', 'postgres');
    return $self;
}

sub slurp { open my $fh, '<', $_[0] or return ''; local $/; return <$fh> }

# Runs a program of the server's, to its end; its exit status.
sub as_server {
    my ($self, $log, @command) = @_;
    my $pid = $self->spawn($log, @command);
    waitpid $pid, 0;
    return $? >> 8;
}

sub spawn {
    my ($self, $log, @command) = @_;
    my $pid = fork // die $!;
    return $pid if $pid;
    setpgid(0, 0);
    open STDIN, '<', '/dev/null';
    open STDOUT, '>>', $log;
    open STDERR, '>&STDOUT';
    unprivileged();
    chdir $self->{dir};
    exec @command or POSIX::_exit(127);
}

sub conninfo { return "host=$_[0]{dir} user=acme dbname=acme" }
sub log { return slurp("$_[0]{dir}/log") }

sub start {
    my ($self) = @_;
    my $end = time + 30;
    $self->{pid} = $self->spawn("$self->{dir}/log", program('postgres'), '-D',
        "$self->{dir}/data");
    until (eval { $self->sql('SELECT 1', 'postgres') }) {
        die 'PostgreSQL does not start: ' . $self->log
            if time > $end || waitpid($self->{pid}, POSIX::WNOHANG());
        sleep 0.02;
    }
    return $self;
}

# How: INT disconnects everybody, QUIT is a crash.
sub stop {
    my ($self, $how) = @_;
    my $pid = delete $self->{pid} or return;
    kill $how // 'INT', $pid;
    waitpid $pid, 0;
}

sub restart { my ($self, $how) = @_; $self->stop($how); return $self->start }

# Rows as psql -At prints them.
sub sql {
    my ($self, $text, $database) = @_;
    open my $fh, '-|', 'sh', '-c', 'exec "$@" 2>/dev/null', 'sh',
        program('psql'), '-qAtX', '-v', 'ON_ERROR_STOP=1', '-h',
        $self->{dir}, '-U', 'acme', '-c', $text, $database // 'acme'
        or die "psql: $!";
    my $rows = do { local $/; <$fh> };
    close $fh or die "psql: $text\n";
    chomp $rows;
    return $rows;
}

END {
    my $status = $?;
    if ($$ == $starter) { $_->stop('QUIT') for @running }
    $? = $status;
}

1;
