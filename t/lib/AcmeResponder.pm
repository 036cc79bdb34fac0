# SPDX-License-Identifier: Apache-2.0
package AcmeResponder;

# A tiny HTTP server on loopback, in a child process, that answers http-01
# requests from the files of a directory, so that the test can change its
# answers while it runs.

use strict;
use warnings;
use File::Basename qw(basename);
use IO::Socket::IP;
use POSIX ();
use parent 'AcmeChild';

use AcmeServer;

# port: where to listen; address: 127.0.0.1.
sub new {
    my ($class, %o) = @_;
    my $self = bless { port => AcmeServer::free_port(),
        address => '127.0.0.1', dir => AcmeServer::tempdir(), %o }, $class;
    my $listen = IO::Socket::IP->new(
        LocalAddr => $self->{address}, LocalPort => $self->{port},
        Listen => 128, ReuseAddr => 1)
        or die "cannot listen on $self->{address}:$self->{port}: $!\n";
    $self->begin(sub { serve($self->{dir}, $listen) });
    return $self;
}

# Answer this token with this text.  Text that starts with "HTTP/" is a whole
# response; "HANG" never answers, "WAIT" when there is another text.
sub put {
    my ($self, $token, $text) = @_;
    AcmeServer::write_file("$self->{dir}/new.$$", $text);
    rename "$self->{dir}/new.$$", "$self->{dir}/$token" or die $!;
}

sub redirect {
    my ($self, $token, $url, $status) = @_;
    $self->put($token, "HTTP/1.1 @{[$status || 302]} Elsewhere\r\n"
            . "Location: $url\r\nContent-Length: 0\r\n\r\n");
}

# Answer every token that has no file for the account with this thumbprint, or
# by this whole response.
sub thumbprint { $_[0]->put('any', $_[1]) }

# What was asked so far: of [host, path].
sub requests {
    my ($self) = @_;
    return map { [split / /] }
        split /\n/, AcmeServer::read_file("$self->{dir}/requests");
}

sub serve {
    my ($dir, $listen) = @_;
    $SIG{CHLD} = 'IGNORE';
    while (1) {
        my $client = $listen->accept or next;
        my $pid = fork;
        if (defined $pid && !$pid) {
            eval { local $SIG{ALRM} = sub { die }; alarm 60;
                answer($dir, $client) };
            POSIX::_exit(0);
        }
        close $client;
    }
}

sub answer {
    my ($dir, $client) = @_;
    my $request = '';
    while ($request !~ /\r\n\r\n/) {
        sysread $client, $request, 4096, length $request or return;
    }
    my ($path) = $request =~ m{^\S+ (\S+)};
    my ($host) = $request =~ /^Host: *(\S*)/mi;
    open my $log, '>>', "$dir/requests";
    syswrite $log, "$host $path\n";
    my $token = basename($path);
    my $text  = AcmeServer::read_file("$dir/$token");
    while ($text eq 'WAIT') {
        select undef, undef, undef, 0.05;
        $text = AcmeServer::read_file("$dir/$token");
    }
    my $any = AcmeServer::read_file("$dir/any");
    $text = $any =~ m{^HTTP/} ? $any : "$token.$any"
        if $text eq '' && $any ne '';
    sleep 60 if $text eq 'HANG';
    $text = $text eq ''
        ? "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
        : "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: "
        . length($text) . "\r\nConnection: close\r\n\r\n$text"
        unless $text =~ m{^HTTP/};
    print $client $text;
    close $client;
}

1;
