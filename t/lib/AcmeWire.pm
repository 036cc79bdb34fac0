# SPDX-License-Identifier: Apache-2.0
package AcmeWire;

# An AcmeClient whose requests go over one connection that is kept alive, made
# by `openssl s_client`: quick, with any octets, and many clients at once in one
# process (request on each of them, then response from each of them).

use strict;
use warnings;
use parent 'AcmeClient';
use POSIX ();
use Socket qw(AF_UNIX PF_UNSPEC SOCK_STREAM);
use Time::HiRes qw(sleep time);

use AcmeServer;

# server, and what AcmeClient takes.  profile: whose directory; sturdy: so many
# seconds a post is tried again when there is no answer, badNonce or a 503;
# timeout: of a response; from: the address of 127.0.0.0/8 that it comes from.
sub new {
    my ($class, %o) = @_;
    $o{directory} = "$o{server}{base}/acme/$o{profile}/directory"
        if $o{profile};
    return $class->SUPER::new(timeout => 60, failures => 0, %o);
}

# The same account on a connection of its own, for use in this process.
sub another {
    my ($self, %o) = @_;
    $self->cacert;
    $self->endpoints;
    return bless { %$self, socket => undef, pid => undef, nonce => undef,
        %o }, ref $self;
}

sub cacert {
    my ($self) = @_;
    return $self->{cacert} if $self->{cacert};
    my $file = "$self->{dir}/roots.pem";
    AcmeServer::write_file($file, AcmeClient::run('curl', '-sfk',
        "https://127.0.0.1:$self->{server}{port}/acme/roots.pem"));
    return $self->{cacert} = $file;
}

sub attach {
    my ($self) = @_;
    return if $self->{socket};
    my $name = $self->{server}{server_name};
    my @cmd = (qw(openssl s_client -quiet -verify_return_error -verify 5),
        '-CAfile', $self->cacert, '-verify_hostname', $name,
        '-servername', $name, '-connect', "127.0.0.1:$self->{server}{port}",
        $self->{from} ? ('-bind', "$self->{from}:0") : ());
    $self->{connections}++;
    socketpair my $mine, my $theirs, AF_UNIX, SOCK_STREAM, PF_UNSPEC or die $!;
    my $pid = fork // die "fork: $!";
    if (!$pid) {
        close $mine;
        open STDIN,  '<&', $theirs;
        open STDOUT, '>&', $theirs;
        open STDERR, '>',  '/dev/null';
        exec @cmd or POSIX::_exit(127);
    }
    @$self{qw(socket pid maker buffer served asked)}
        = ($mine, $pid, $$, '', 0, []);
}

sub detach {
    my ($self) = @_;
    close delete $self->{socket} if $self->{socket};
    my $pid = delete $self->{pid} or return;
    return if $self->{maker} != $$;
    kill 'KILL', $pid;
    waitpid $pid, 0;
}

sub DESTROY { local ($?, $!, $@); $_[0]->detach }

# Octets as they are; method tells response() what to expect.
sub send_octets {
    my ($self, $octets, $method) = @_;
    local $SIG{PIPE} = 'IGNORE';
    $self->attach;
    push @{ $self->{asked} }, $method;
    my $at = 0;
    while ($at < length $octets) {
        my $sent = syswrite $self->{socket}, $octets, 65536, $at;
        return if !defined $sent;
        $at += $sent;
    }
}

# A request's octets.  Options: headers, body, host, path (instead of the
# URL's), length (undef: no Content-Length).
sub compose {
    my ($self, $method, $url, %o) = @_;
    my ($host, $path) = $url =~ m{^https?://([^/]*)(/.*)?$}
        or die "what is $url?\n";
    $host = $o{host} if defined $o{host};
    my @lines = ("$method " . ($o{path} // $path // '/') . ' HTTP/1.1',
        "Host: $host", @{ $o{headers} || [] });
    my $length = exists $o{length} ? $o{length}
        : defined $o{body} ? length $o{body} : undef;
    push @lines, "Content-Length: $length" if defined $length;
    return join("\r\n", @lines, '', '') . ($o{body} // '');
}

sub request {
    my ($self, $method, $url, %o) = @_;
    $self->send_octets($self->compose($method, $url, %o), $method);
}

# More octets into the buffer; false at the end of the connection.
sub more {
    my ($self) = @_;
    my $ready = '';
    vec($ready, fileno $self->{socket}, 1) = 1;
    select($ready, undef, undef, $self->{timeout})
        or die "no answer within $self->{timeout} s\n";
    return sysread $self->{socket}, $self->{buffer}, 65536,
        length $self->{buffer};
}

# Take so many octets, or up to and with a text; undef when the end comes first.
sub take {
    my ($self, $what) = @_;
    while (1) {
        my $at = $what =~ /^\d+$/ ? $what
            : index($self->{buffer}, $what) + length $what;
        return substr $self->{buffer}, 0, $at, ''
            if $at <= length $self->{buffer}
            && ($what =~ /^\d+$/ || $at >= length $what);
        return if !$self->more;
    }
}

sub take_chunks {
    my ($self) = @_;
    my $body = '';
    while (1) {
        my $size = $self->take("\r\n") // return;
        $size = hex(($size =~ /^([0-9a-f]+)/i)[0]);
        my $chunk = $self->take($size + 2) // return;
        return $body if !$size;
        $body .= substr $chunk, 0, $size;
    }
}

sub take_body {
    my ($self, $method, $head) = @_;
    return '' if $method eq 'HEAD' || $head =~ m{^HTTP/\S+ (?:204|304)};
    return $self->take_chunks if $head =~ /^Transfer-Encoding: *chunked/mi;
    return $self->take($1) if $head =~ /^Content-Length: *(\d+)/mi;
    1 while $self->more;
    return delete $self->{buffer};
}

# What AcmeClient::http returns; undef when the connection ended before.
sub response {
    my ($self) = @_;
    my $method = shift @{ $self->{asked} };
    my $head;
    do { $head = $self->take("\r\n\r\n") }
        while defined $head && $head =~ m{^HTTP/1.1 1};
    my $body = defined $head ? $self->take_body($method, $head) : undef;
    if (!defined $body) {
        $self->detach;
        return;
    }
    $self->{served}++;
    $self->detach if $head =~ /^Connection: *close/mi;
    return $self->parse($head, $body);
}

# A connection that was kept alive may be closed by the server just now (RFC
# 9112 9.3.1): once more then.
sub http {
    my ($self, $method, $url, %o) = @_;
    my $served = $self->{socket} && $self->{served};
    $self->request($method, $url, %o);
    my $res = $self->response;
    if (!$res && $served) {
        $self->request($method, $url, %o);
        $res = $self->response;
    }
    return $res || die "the connection was closed without an answer\n";
}

# Sent now, to be read with response(); the JWS is made before.
sub post_soon {
    my ($self, $url, $body) = @_;
    $self->request('POST', $url, body => $body,
        headers => ['Content-Type: application/jose+json']);
}

# Answers to [client, url, JWS], sent at the same time.  What a client had as a
# connection may have been closed while keys, CSRs and JWS were made: all are
# opened again, and once more what was closed while that was done.
sub at_once {
    my (@posts) = @_;
    $_->[0]->http('HEAD', $_->[0]->endpoints->{newNonce}) for @posts, @posts;
    $_->[0]->post_soon(@$_[1, 2]) for @posts;
    return map { $_->[0]->response } @posts;
}

sub post {
    my ($self, $url, $payload, %o) = @_;
    return $self->SUPER::post($url, $payload, %o) if !$self->{sturdy};
    my $end = time + $self->{sturdy};
    my $last = '';
    while (time < $end) {
        my $res = eval { $self->SUPER::post($url, $payload, %o) };
        return $res if $res && $res->{status} != 503
            && AcmeClient::problem($res) ne 'badNonce';
        $last = $res ? "$res->{status} $res->{body}" : $@;
        $self->{failures}++;
        $self->detach if !$res;
        sleep 0.05;
    }
    die "$url: $last\n";
}

1;
