#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# The virtual host's own certificate: the operator's wins; ours is renewed while
# the server runs, for the same key, without a restart.  The clock is moved by a
# library in front of libc's.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeCheck;
use AcmeClient;
use AcmeServer;

my $dir = AcmeServer::tempdir();
my $day = 86400;

# A clock that is as far ahead as a file says.
AcmeServer::write_file("$dir/clock.c", <<'EOT');
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
static long ahead(void)
{
    const char *path = getenv("CLOCK_AHEAD");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    char text[32] = "";
    if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
        text[0] = 0;
    if (fd >= 0)
        close(fd);
    return atol(text);
}
int clock_gettime(clockid_t clock, struct timespec *ts)
{
    int rv = syscall(SYS_clock_gettime, clock, ts);
    if (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)
        ts->tv_sec += ahead();
    return rv;
}
int gettimeofday(struct timeval *tv, void *tz)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    tv->tv_sec = ts.tv_sec;
    tv->tv_usec = ts.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *out)
{
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    if (out)
        *out = ts.tv_sec;
    return ts.tv_sec;
}
EOT
AcmeClient::run('gcc', '-shared', '-fPIC', '-o', "$dir/clock.so",
    "$dir/clock.c");

sub ahead {
    AcmeServer::write_file("$dir/ahead.new", shift);
    rename "$dir/ahead.new", "$dir/ahead" or die $!;
}

# What a handshake shows: serial, subject's key, and whether openssl thinks that
# the chain is good so far ahead.
sub shown {
    my ($server, $ahead, $name) = @_;
    my $text = AcmeClient::run('sh', '-c', 'exec openssl s_client -connect'
        . " 127.0.0.1:$server->{port} -servername $name -showcerts </dev/null");
    my ($leaf, @chain) = $text =~ /(-----BEGIN.*?-----END [^\n]*\n)/sg;
    AcmeServer::write_file("$dir/leaf", $leaf);
    AcmeServer::write_file("$dir/chain", join '', @chain);
    my ($serial) = AcmeClient::run(qw(openssl x509 -noout -serial -in),
        "$dir/leaf") =~ /=(\w+)/;
    my $key = AcmeClient::run(qw(openssl x509 -noout -pubkey -in), "$dir/leaf");
    my $ok = eval { AcmeClient::run('openssl', 'verify', '-attime',
        time + $ahead, '-CAfile', "$server->{state}/ca/root.pem", '-untrusted',
        "$dir/chain", '-verify_hostname', $name, "$dir/leaf") };
    return ($serial, $key, $ok ? 'good' : 'bad');
}

subtest 'renewal' => sub {
    ahead(0);
    my $server = AcmeServer->new(global => <<'EOT');
<IfModule mpm_prefork_module>
    StartServers 2
    MinSpareServers 2
    MaxSpareServers 2
</IfModule>
EOT
    {
        no warnings 'redefine';
        my $sanitizer = \&AcmeServer::sanitizer_env;
        local *AcmeServer::sanitizer_env = sub {
            my %env = $sanitizer->();
            return (%env, CLOCK_AHEAD => "$dir/ahead", LD_PRELOAD =>
                join ':', grep { $_ } $env{LD_PRELOAD}, "$dir/clock.so");
        };
        $server->start;
    }
    my ($serial, $key, $ok) = shown($server, 0, 'localhost');
    is($ok, 'good', 'the first certificate');
    ahead(50 * $day);
    shown($server, 0, 'localhost') for 1 .. 3;
    my ($same) = shown($server, 50 * $day, 'localhost');
    is($same, $serial, 'after 50 days it is still that one');

    # Children look when they are asked for a handshake, once a minute.
    my $at = 61 * $day;
    my %seen;
    my $done = AcmeServer::wait_for(60, sub {
        ahead($at += 61);
        my $count = () = $server->log =~ /AS0414/g;
        my @got = shown($server, $at, 'localhost');
        $seen{"$got[1] $got[2]"}++;
        my @children = $server->children;
        return $got[0] ne $serial && $count >= @children ? 1 : undef;
    });
    ok($done, 'after 61 days there is a new one, in all children');
    is(join(',', keys %seen), "$key good",
        'of the same key, and good at all times');
    my @rows = split /\n/, sql($server,
        'SELECT serial FROM certs WHERE order_id IS NULL ORDER BY seq');
    is(scalar @rows, 2, 'one renewal, however many children there are');
    is(lc $serial =~ s/^0+//r, $rows[0] =~ s/^0+//r, 'the first one has a row');
    my @got = shown($server, $at, 'localhost');
    is(lc $got[0] =~ s/^0+//r, $rows[1] =~ s/^0+//r, 'the new one is shown');
    ahead(120 * $day);
    @got = shown($server, 120 * $day, 'localhost');
    is($got[2], 'good', 'when the first one is over');
    $server->finish;
};

subtest 'the operator has a certificate' => sub {
    AcmeClient::run(qw(openssl req -x509 -newkey ec -pkeyopt
        ec_paramgen_curve:P-256 -nodes -days 10 -subj /CN=localhost -keyout),
        "$dir/own.key", '-out', "$dir/own.pem");
    my $server = AcmeServer->new(vhost => "SSLCertificateFile $dir/own.pem\n"
            . "SSLCertificateKeyFile $dir/own.key\n")->start;
    my ($serial) = shown($server, 0, 'localhost');
    my ($own) = AcmeClient::run(qw(openssl x509 -noout -serial -in),
        "$dir/own.pem") =~ /=(\w+)/;
    is($serial, $own, 'it is shown');
    ok(!-e "$server->{state}/ca/vhost-localhost.key", 'and none is made');
    $server->finish(qr/AH01906/);    # it is a CA's, openssl req is like that
};

subtest 'TLS is forgotten' => sub {
    for my $front ('', 'ACMEBaseURL https://ca.example') {
        my $server = AcmeServer->new(vhost => "SSLEngine off\n$front")->start;
        my $told = $server->log =~ /AS0428: localhost tells .*SSLEngine on, or/;
        is(!$told, $front ne '', "it is told unless something else has it");
        $server->finish(qr/AS0428/);
    }
};
done_testing;
