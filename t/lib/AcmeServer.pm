# SPDX-License-Identifier: Apache-2.0
package AcmeServer;

# A private httpd with the module in it, on free loopback ports, in a temporary
# directory.  t/README tells how a test uses it.

use strict;
use warnings;
use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp ();
use IO::Socket::INET;
use POSIX qw(setpgid);
use Test::More;
use Time::HiRes qw(sleep time);
use AcmeSanitizer;

our $top   = abs_path(dirname(__FILE__) . '/../..');
our $build = $ENV{ACME_BUILD} || "$top/build";
my $starter = $$;
my @running;

$SIG{INT} = $SIG{TERM} = sub { exit 130 };

sub apxs { my $v = `${\($ENV{APXS} || 'apxs')} -q $_[0]`; chomp $v; $v }

my ($program, $modules);

sub program {
    return $program ||= $ENV{HTTPD} || apxs('sbindir') . '/' . apxs('progname');
}

# A port of 127.0.0.1 that nobody listens on, below those the kernel gives to
# outgoing connections.
my %given;

sub free_port {
    for (1 .. 200) {
        my $port = 20000 + int rand 12000;
        next if $given{$port}++;
        my $try = IO::Socket::INET->new(
            LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 1,
            ReuseAddr => 0);
        return $port if $try;
    }
    die "no free port\n";
}

# A directory that httpd's children may walk into, removed at exit.
sub tempdir {
    my $dir = File::Temp::tempdir('acme-test-XXXXXX', TMPDIR => 1,
        CLEANUP => 1);
    chmod 0755, $dir;
    return $dir;
}

# mpm, server_name, vhost (directives for the ACME virtual host), global,
# http_vhost, modules (further ones), hosts (names that resolve to 127.0.0.1),
# http01_port, log_level, bare (no directives but those of the first four),
# dir, port, http_port, addresses (more of the ACME virtual host, as Listen has
# them).
sub new {
    my ($class, %o) = @_;
    my $self = bless {
        mpm => $ENV{ACME_MPM} || 'event', server_name => 'localhost',
        hosts => [map { "$_.test" } 'a' .. 'e'], vhost => '', global => '',
        http_vhost => '', modules => [], log_level => 'info',
        http01_port => undef, addresses => [], %o
    }, $class;
    $self->{dir}         ||= tempdir();
    $self->{port}        ||= free_port();
    $self->{http_port}   ||= free_port();
    $self->{http01_port} ||= free_port();
    make_path("$self->{dir}/$_") for qw(logs run);
    $self->{error_log} = "$self->{dir}/logs/error.log";
    $self->{base}      = "https://$self->{server_name}:$self->{port}";
    $self->{directory} = "$self->{base}/acme/directory";
    $self->{state}   ||= "$self->{dir}/state";
    $self->{conf}      = "$self->{dir}/httpd.conf";
    $self->configure;
    return $self;
}

sub load_modules {
    my ($self) = @_;
    my $text = '';
    $modules ||= $ENV{HTTPD_MODULES} || apxs('LIBEXECDIR');
    my $static = join ' ', `@{[program()]} -l`;
    for my $name ("mpm_$self->{mpm}", qw(unixd log_config authz_core ssl
        slotmem_shm socache_shmcb), @{ $self->{modules} })
    {
        next if $static =~ /\bmod_$name\.c/;
        $text .= "LoadModule ${name}_module $modules/mod_$name.so\n";
    }
    return $text
        . "LoadModule acme_server_module $build/mod_acme_server.so\n";
}

# What a test wants beyond the smallest configuration.
sub defaults {
    my ($self) = @_;
    return '' if $self->{bare};
    return join "\n", "ACMEStateDir $self->{state}",
        "ACMEValidationPort http-01 $self->{http01_port}",
        'ACMEValidationAllow 127.0.0.0/8', 'ACMEValidationRetry 0',
        map { "ACMEResolverHost $_ 127.0.0.1" } @{ $self->{hosts} };
}

# Write the configuration afresh, with these options changed.
sub configure {
    my ($self, %o) = @_;
    @$self{ keys %o } = values %o;
    my $user = $> == 0 ? "User www-data\nGroup www-data\n" : '';
    my @at = map { "$_:$self->{port}" } '127.0.0.1', @{ $self->{addresses} };
    write_file($self->{conf}, <<"EOT");
ServerRoot $self->{dir}
DefaultRuntimeDir $self->{dir}/run
PidFile $self->{dir}/run/httpd.pid
ErrorLog $self->{error_log}
LogLevel $self->{log_level}
@{[$self->load_modules]}
ServerName $self->{server_name}
${user}@{[join '', map { "Listen $_ https\n" } @at]}
Listen 127.0.0.1:$self->{http_port} http
SSLSessionCache shmcb:$self->{dir}/run/ssl_cache(512000)
@{[AcmeSanitizer::directives($self->{dir})]}
CustomLog $self->{dir}/logs/access.log "%h %m %U %>s %{ACME_ACCOUNT}e %{ACME_ORDER}e %{ACME_PROBLEM}e"
$self->{global}
<VirtualHost @at>
    ServerName $self->{server_name}
    SSLEngine on
    ACMEServer on
    @{[$self->defaults]}
    $self->{vhost}
</VirtualHost>
<VirtualHost 127.0.0.1:$self->{http_port}>
    ServerName $self->{server_name}
    $self->{http_vhost}
</VirtualHost>
EOT
    return $self;
}

sub write_file {
    my ($path, $text) = @_;
    open my $fh, '>', $path or die "$path: $!";
    print $fh $text;
    close $fh or die "$path: $!";
}

sub read_file {
    my ($path) = @_;
    open my $fh, '<', $path or return '';
    local $/;
    return scalar <$fh>;
}

# (exit status, output) of httpd with these arguments and this configuration.
sub command {
    my ($self, @args) = @_;
    my $line = $self->command_line;
    open my $pipe, '-|', 'sh', '-c', "exec $line \"\$@\" 2>&1", 'sh', @args
        or die $!;
    my $text = do { local $/; <$pipe> };
    close $pipe;
    return ($? >> 8, $text // '');
}

# For a shell, and for --httpd: httpd with this configuration.
sub command_line {
    my ($self) = @_;
    my %env = sanitizer_env();
    return join ' ', (map { "/usr/bin/env $_=$env{$_}" } keys %env), program(),
        '-d', $self->{dir}, '-f', $self->{conf};
}

sub syntax { return $_[0]->command('-t') }

sub sanitizer_env { return AcmeSanitizer::preload() }

sub start {
    my ($self) = @_;
    my $from = length $self->log;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        setpgid(0, 0);
        %ENV = (%ENV, sanitizer_env());
        open STDIN,  '<',  '/dev/null';
        open STDOUT, '>>', "$self->{dir}/logs/stdout.log";
        open STDERR, '>&', \*STDOUT;
        exec program(), '-d', $self->{dir}, '-f', $self->{conf},
            '-D', 'FOREGROUND' or POSIX::_exit(127);
    }
    $self->{pid} = $pid;
    push @running, $self;
    $self->wait_ready($from) or do {
        diag read_file("$self->{dir}/logs/stdout.log"), $self->log;
        $self->stop;
        die "httpd does not start\n";
    };
    return $self;
}

# The sockets are open long before post_config has found something wrong.
sub wait_ready {
    my ($self, $from) = @_;
    return wait_for(30, sub {
        return 1 if substr($self->log, $from) =~ /resuming normal operations/;
        return waitpid($self->{pid}, POSIX::WNOHANG()) > 0 ? 0 : undef;
    });
}

# Call until it returns a defined value, at most so many seconds.
sub wait_for {
    my ($seconds, $sub) = @_;
    my $end = time + $seconds;
    while (1) {
        my $got = $sub->();
        return $got if defined $got;
        return      if time > $end;
        sleep 0.02;
    }
}

# Wait until the error log, from this offset on, matches.
sub wait_log {
    my ($self, $regex, $from, $seconds) = @_;
    return wait_for($seconds || 20,
        sub { substr($self->log, $from || 0) =~ $regex ? 1 : undef });
}

sub log { return read_file($_[0]{error_log}) }

sub graceful {
    my ($self) = @_;
    my $from = length $self->log;
    kill 'USR1', $self->{pid};
    $self->wait_log(qr/resuming normal operations/, $from)
        or die "no graceful restart\n";
    return $self;
}

# Pids of the children, oldest first.
sub children {
    my ($self) = @_;
    my $list = read_file("/proc/$self->{pid}/task/$self->{pid}/children");
    return sort { $a <=> $b } split ' ', $list;
}

sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;
    @running = grep { $_ != $self } @running;
    my $from = length $self->log;
    kill 'TERM', $pid;
    my $gone = wait_for(15, sub { waitpid($pid, POSIX::WNOHANG()) || undef });
    $self->{exit} = $?;
    $self->{last_words} .= substr $self->log, $from;
    return if $gone;
    $self->{exit} = -1;
    kill 'KILL', -$pid;
    waitpid $pid, 0;
}

# Lines of the error log that speak of trouble and match none of these.  AH01882
# tells of the machine: mod_ssl was built with a newer OpenSSL.  A child's crash
# is no more than a notice; at the end it may be the event MPM's own, which
# closes its workers' sockets while they do so (AddressSanitizer reports apart).
sub trouble {
    my ($self, @expected) = @_;
    my $log = $self->log;
    push @expected, qr/AH01882|^AddressSanitizer:DEADLYSIGNAL/;
    my @lines = grep { !/^\[[^]]+\] \[\w*:(?:notice|info|debug|trace\d)\]/ }
        split /\n/, $log . read_file("$self->{dir}/logs/stdout.log");
    my %last = map { $_ => 1 } split /\n/, $self->{last_words} // '';
    push @lines, grep { /exit signal (?!Killed)/ && !$last{$_} }
        split /\n/, $log;
    return grep { my $line = $_; !grep { $line =~ $_ } @expected } @lines;
}

# The last line of a test: stop, and nothing unexpected may be in the log.
sub finish {
    my ($self, @expected) = @_;
    $self->stop;
    is($self->{exit}, 0, 'httpd stops in time and by itself');
    my @trouble = $self->trouble(@expected);
    ok(!@trouble, 'nothing unexpected in the error log')
        or diag map { "$_\n" } @trouble[0 .. ($#trouble < 20 ? $#trouble : 20)];
}

END {
    my $status = $?;
    if ($$ == $starter) {
        $_->stop for @running;
    }
    $? = $status;
}

1;
