#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# H12: a connection has a thread of httpd's from its first octet until its
# request is there.  Hundreds that stop before, silent, in the middle of a TLS
# handshake or behind it, have theirs for seconds with the configuration that is
# shipped, and who behaves gets a certificate.  Without it they have them for
# Timeout, a minute, four times in a row.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use POSIX ();
use Test::More;
use Time::HiRes qw(time);

use AcmeResponder;
use AcmeServer;
use AcmeSkip;
use AcmeWire;

my $modules = $ENV{HTTPD_MODULES} || AcmeServer::apxs('LIBEXECDIR');
skip_file 'no mod_reqtimeout in this httpd'
    if !-e "$modules/mod_reqtimeout.so";

# What the quickstart says of mod_reqtimeout, around its virtual host and in it.
my $shipped = AcmeServer::read_file(
    "$AcmeServer::top/conf/acme-server-quickstart.conf");
my ($inside) = $shipped =~ m{^<VirtualHost \*:443>\n(.*?)^</VirtualHost}ms;
$shipped =~ s{^<VirtualHost.*?^</VirtualHost>\n}{}msg;
my $limits = join '', $inside =~ m{^ *<IfModule.*?</IfModule>\n}msg;

# As conf/acme-server.conf has it for a hundred clients; prefork has a process
# for each, so there are fewer of them, and as many times more connections.
my $mpm = $ENV{ACME_MPM} || 'event';
my ($workers, $count) = $mpm eq 'prefork' ? (32, 128) : (128, 500);
my $pool = $mpm eq 'prefork'
    ? "StartServers 32\nMinSpareServers 32\nMaxSpareServers 64\n"
    : "StartServers 2\nServerLimit 2\nThreadLimit 64\nThreadsPerChild 64\n"
    . "MinSpareThreads 1\nMaxSpareThreads 128\n";
my $responder = AcmeResponder->new;
# The kernel keeps silent connections back otherwise, for half a minute.
my $server = AcmeServer->new(mpm => $mpm, http01_port => $responder->{port},
    modules => ['reqtimeout'], vhost => $limits, global =>
    "$shipped${pool}MaxRequestWorkers $workers\nAcceptFilter https none\n")
    ->start;
my $c = AcmeWire->new(server => $server, sturdy => 40, timeout => 40);

# The first octets of openssl with these arguments.
sub hello {
    my $listen = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1)
        or die "listen: $!";
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        open STDIN,  '<', '/dev/null';
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null';
        exec qw(openssl s_client -servername localhost -connect),
            '127.0.0.1:' . $listen->sockport, @_ or POSIX::_exit(127);
    }
    sysread $listen->accept, my $octets, 65536;
    waitpid $pid, 0;
    return $octets;
}

# Descriptors of the children that are connections of the TLS port.
sub held {
    my %ours;
    for (split /\n/, AcmeServer::read_file('/proc/net/tcp')) {
        my (undef, $local, undef, $state, @more) = split;
        $ours{"socket:[$more[5]]"} = 1 if $state ne '0A'
            && $local eq sprintf '0100007F:%04X', $server->{port};
    }
    return scalar grep { $ours{ readlink($_) // '' } }
        map { glob "/proc/$_/fd/*" } $server->children;
}

# Of these sockets, those that httpd has not closed yet, after some time.
sub open_still {
    my ($seconds, @sockets) = @_;
    AcmeServer::wait_for($seconds, sub {
        my $ready = '';
        vec($ready, fileno $_, 1) = 1 for @sockets;
        select($ready, undef, undef, 0.1);
        @sockets = grep { !vec($ready, fileno $_, 1)
            || sysread $_, my $octets, 65536 } @sockets;
        return @sockets ? undef : 1;
    });
    return scalar @sockets;
}

$c->certificate($responder, 'a.test');
$c->detach;
my @children = $server->children;
my $hello = hello();
my @beginnings = ('', substr($hello, 0, 100), $hello, hello('-tls1_2'));
my (@sockets, @wires);
for my $i (1 .. $count - 40) {
    my $socket = IO::Socket::INET->new("127.0.0.1:$server->{port}")
        or die "connect: $!";
    syswrite $socket, $beginnings[$i % @beginnings];
    push @sockets, $socket;
}
for (1 .. 40) { # with the handshake at its end
    push @wires, $c->another;
    $wires[-1]->attach;
    push @sockets, $wires[-1]{socket};
}

my $start = time;
my $pem = eval { $c->certificate($responder, 'b.test') };
my $took = time - $start;
cmp_ok($took, '<', 40, "H12 $count connections that stop: a certificate "
        . sprintf 'after %.1f s', $took) or diag $@;
like($c->verify($pem // '', 'b.test'), qr/OK/, 'H12 and it is a good one');
is(open_still(20, @sockets), 0, 'H12 httpd has closed all of them');
$c->detach;
is(AcmeServer::wait_for(10, sub { held() ? undef : 0 }), 0,
    'H12 none of their descriptors stays');
is_deeply([$server->children], \@children, 'H12 the children live');
for my $stage (qw(handshake header)) {
    ok($server->log =~ /AH01382: Request $stage read timeout/,
        "H12 it was the limit of the $stage");
}
$start = time;
$pem = eval { $c->certificate($responder, 'c.test') };
like($c->verify($pem // '', 'c.test'), qr/OK/, 'H12 and all is well');
cmp_ok(time - $start, '<', 10, 'H12 at once');
undef @wires;
ok($server->log !~ /AS0433/, 'H12 nothing is said where there is a limit');
# "server reached MaxRequestWorkers", of each MPM
$server->finish(qr/AH00484|AH00286|AH00161/);

# Who has no limit is told: outside, in the virtual host, in the one before it.
my $five = "<IfModule reqtimeout_module>\n"
    . "RequestReadTimeout header=5 handshake=5\n</IfModule>\n";
my $off = 'RequestReadTimeout handshake=0';
for (['nothing', '', '', '', 'localhost'], ['outside', $five, '', '', ''],
    ['inside', '', $five, '', ''], ['off inside', $five, $off, '', 'localhost'],
    ['another is first', '', $five, ' ', 'localhost'],
    ['another is first, and has it', '', '', $five, ''],
    ['another is first, and has it off', $five, $five, $off, 'localhost'])
{
    my ($what, $outside, $inside, $first, $told) = @$_;
    my $port = AcmeServer::free_port();
    $outside .= <<"EOT" if $first;
<VirtualHost 127.0.0.1:$port>
    ServerName first.test
    SSLEngine on
    SSLCertificateFile $server->{state}/ca/vhost-localhost.pem
    SSLCertificateKeyFile $server->{state}/ca/vhost-localhost.key
    $first
</VirtualHost>
EOT
    my $other = AcmeServer->new(port => $port, modules => ['reqtimeout'],
        global => $outside, vhost => $inside)->start;
    my ($found) = $other->log =~ /AS0433: (\w+): TLS handshakes have no limit/;
    is($found // '', $told, "H12 $what");
    $other->stop;
}
done_testing;
