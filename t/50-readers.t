#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# H13: a client that asks for a list of revoked certificates of some megabytes,
# over plain HTTP, and does not read it, has neither memory nor a thread: httpd
# sends the file itself when the client can take it (the event MPM, that is; the
# others have a thread for each connection anyway).

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Digest::SHA qw(sha256_hex);
use IO::Socket::INET;
use Socket qw(SOL_SOCKET SO_RCVBUF);
use Test::More;
use Time::HiRes qw(time);

use AcmeOperator;
use AcmeResponder;
use AcmeServer;
use AcmeSkip;
use AcmeWire;

my $responder = AcmeResponder->new;
my $server = AcmeServer->new(mpm => 'event', http01_port => $responder->{port},
    global => <<'EOT')->start;
StartServers 2
ServerLimit 2
ThreadsPerChild 25
MinSpareThreads 1
MaxSpareThreads 50
MaxRequestWorkers 50
EOT
my $c = AcmeWire->new(server => $server, sturdy => 40, timeout => 40);
$c->certificate($responder, 'a.test');

# Lists are served as they lie there, of issuers that are gone, too.
my $list = join '', map { pack 'N', $_ * 2654435761 % 2**32 } 1 .. 900_000;
my $name = 'a' x 64 . '.crl';
my $path = "/acme/issuer/$name";
my $file = "$server->{state}/pub/$name";
AcmeServer::write_file($file, $list);
my $etag = '"' . substr(sha256_hex($list), 0, 32) . '"';

sub fetch {
    my ($url, @args) = @_;
    return $c->parse(split /(?<=\r\n\r\n)/, AcmeClient::run('curl', '-si',
        '--http1.1', '--cacert', $c->cacert, @args, "$url$path"), 2);
}
for my $url ("http://localhost:$server->{http_port}", $server->{base}) {
    my $res = fetch($url);
    ok($res->{status} == 200 && $res->{body} eq $list, "H13 $url: the list");
    is(AcmeClient::header($res, 'etag'), $etag, 'H13 its ETag is its digest');
    is(AcmeClient::header($res, 'content-length'), length $list,
        'H13 its length');
    $res = fetch($url, '-I');
    ok($res->{status} == 200 && !length $res->{body}, 'H13 HEAD');
    is(AcmeClient::header($res, 'content-length'), length $list,
        'H13 HEAD: the length, too');
    is(fetch($url, '-H', "If-None-Match: $etag")->{status}, 304,
        'H13 who has it need not load it');
    $res = fetch($url, '-r', '100000-300000');
    ok($res->{status} == 206
        && $res->{body} eq substr($list, 100000, 200001), 'H13 a part of it');
}

# How often the children have the list open, this one or an older one.
sub held {
    return scalar grep { (readlink($_) // '') =~ /\Q$name\E/ }
        map { glob "/proc/$_/fd/*" } $server->children;
}

sub reader {
    my $socket = IO::Socket::INET->new(Proto => 'tcp', Sockopts =>
        [[SOL_SOCKET, SO_RCVBUF, pack 'i', 4096]],
        PeerAddr => "127.0.0.1:$server->{http_port}") or die "connect: $!";
    # More than the kernel takes for a socket.
    syswrite $socket, "GET $path HTTP/1.1\r\nHost: localhost\r\n\r\n" x 10;
    return $socket;
}

my $before = memory($server);
my @children = $server->children;
my @readers = map { reader() } 1 .. 70;
is(AcmeServer::wait_for(20, sub { held() >= 70 ? 1 : undef }), 1,
    'H13 70 clients, 50 threads: all are being answered') or diag held();
$c->detach;
my $start = time;
my $pem = eval { $c->certificate($responder, 'b.test') };
my $took = time - $start;
cmp_ok($took, '<', 30, sprintf 'H13 a certificate after %.1f s', $took)
    or diag $@;
like($c->verify($pem // '', 'b.test'), qr/OK/, 'H13 and it is a good one');
my $more = memory($server) - $before;
cmp_ok($more, '<', AcmeServer::sanitizer_env() ? 1000 : 60,
    sprintf 'H13 %.1f MB more', $more);

# Who reads at last gets it all, though there is another list by now.
AcmeServer::write_file("$file.new", 'x' x 100_000);
rename "$file.new", $file or die "rename: $!";
my $got = '';
1 while $got !~ /\r\n\r\n/ && sysread $readers[0], $got, 65536, length $got;
$got =~ s/^.*?\r\n\r\n//s;
while (length $got < length $list) {
    sysread $readers[0], $got, 1 << 20, length $got or last;
}
ok(substr($got, 0, length $list) eq $list,
    'H13 who reads late gets what he asked for');
undef @readers;
is(AcmeServer::wait_for(20, sub { held() ? undef : 0 }), 0,
    'H13 nothing stays open');
is_deeply([$server->children], \@children, 'H13 the children live');

# sendfile(2) as the operator says: it can be broken.
AcmeServer::write_file($file, $list);
reload($server, global => $server->{global} . "EnableSendfile off\n");
my $res = fetch("http://localhost:$server->{http_port}");
ok($res->{status} == 200 && $res->{body} eq $list, 'H13 without sendfile');

# HTTP/2: a client has many requests open by one connection.  No more of them
# have descriptors than are being worked on.
sub frame {
    my ($type, $flags, $stream, $octets) = @_;
    return substr(pack('N', length $octets), 1)
        . pack('CCNa*', $type, $flags, $stream, $octets);
}

# More answers: their headers, their data, and how many are at their end.
sub receive {
    my ($h2) = @_;
    sysread $h2->{socket}, $h2->{octets}, 1 << 20, length $h2->{octets}
        or die 'HTTP/2: closed';
    while (length $h2->{octets} >= 9) {
        my ($len, $type, $flags, $stream) =
            unpack 'NCCN', "\0" . substr $h2->{octets}, 0, 9;
        last if length $h2->{octets} < 9 + $len;
        my $frame = substr $h2->{octets}, 0, 9 + $len, '';
        $h2->{headers}++ if $type == 1;
        $h2->{data}{$stream} .= substr $frame, 9 if $type == 0;
        $h2->{ends}++ if $type == 0 && $flags & 1;
    }
}

SKIP: {
    my $modules = $ENV{HTTPD_MODULES} || AcmeServer::apxs('LIBEXECDIR');
    skip_here 'no mod_http2 in this httpd', 3 if !-e "$modules/mod_http2.so";
    reload($server, modules => ['http2'],
        http_vhost => 'Protocols h2c http/1.1',
        global => "$server->{global}H2MinWorkers 4\nH2MaxWorkers 4\n");
    my @streams = map { 2 * $_ - 1 } 1 .. 12;
    my $head = join '', map { pack 'x(C/a)2', @$_ } [':method', 'GET'],
        [':scheme', 'http'], [':authority', 'localhost'], [':path', $path];
    my %h2 = (octets => '', headers => 0, ends => 0, socket =>
        IO::Socket::INET->new("127.0.0.1:$server->{http_port}"));
    syswrite $h2{socket}, join '', "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        frame(4, 0, 0, pack 'nN', 4, 1000), # each stream's window
        map { frame(1, 5, $_, $head) } @streams;
    receive(\%h2) while $h2{headers} < 4;
    ok(!AcmeServer::wait_for(1, sub { held() > 4 ? 1 : undef }),
        'H13 HTTP/2: 4 workers, not more descriptors');
    syswrite $h2{socket}, join '',
        map { frame(8, 0, $_, pack 'N', 1 << 30) } 0, @streams;
    receive(\%h2) while $h2{ends} < @streams;
    is(scalar(grep { $h2{data}{$_} eq $list } @streams), 12,
        'H13 HTTP/2: the list, twelve times');
    is(AcmeServer::wait_for(20, sub { held() ? undef : 0 }), 0,
        'H13 HTTP/2: nothing stays open');
}
$server->finish(qr/AH00484/);
done_testing;
