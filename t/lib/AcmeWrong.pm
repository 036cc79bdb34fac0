# SPDX-License-Identifier: Apache-2.0
package AcmeWrong;

# A server that is wrong in one way: a child process that hands requests to a
# good AcmeServer, and changes what comes back.  It speaks plain HTTP; the good
# server's mod_proxy is in front of it, so that its URL is the base URL.
#
#     my $wrong = AcmeWrong->new(faults => { name => sub ($request, $answer) });
#     my $server = AcmeServer->new($wrong->options)->start;
#     $wrong->serve($server);
#     $wrong->fault('name');        # undef: none

use strict;
use warnings;
use IO::Socket::INET;
use JSON::PP ();
use MIME::Base64 qw(decode_base64url);
use parent 'AcmeChild';

use AcmeClient;
use AcmeServer;
use AcmeWire;

my $json = JSON::PP->new->utf8->canonical->allow_nonref;

sub new {
    my ($class, %o) = @_;
    my $self = bless { dir => AcmeServer::tempdir(), %o }, $class;
    $self->{front} = AcmeServer::free_port();
    $self->{listen} = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
        LocalPort => 0, Listen => 16) or die "listen: $!";
    $self->{key} = AcmeClient::make_key('ec256', "$self->{dir}/key");
    AcmeClient::run(qw(openssl req -x509 -new -days 2 -subj /CN=localhost
        -addext subjectAltName=DNS:localhost -key), $self->{key}, '-out',
        "$self->{dir}/cert");
    $self->{base} = "https://localhost:$self->{front}";
    $self->{ca}   = "$self->{dir}/cert";
    return $self;
}

# What the good server needs to have for it.
sub options {
    my ($self, %o) = @_;
    my $port = $self->{listen}->sockport;
    return (%o, modules => [qw(proxy proxy_http), @{ $o{modules} || [] }],
        vhost => "ACMEBaseURL $self->{base}\n" . ($o{vhost} // ''),
        global => <<"EOT" . ($o{global} // ''));
Listen 127.0.0.1:$self->{front} https
<VirtualHost 127.0.0.1:$self->{front}>
    ServerName front.test
    SSLEngine on
    SSLCertificateFile $self->{dir}/cert
    SSLCertificateKeyFile $self->{key}
    ProxyPass / http://127.0.0.1:$port/ nocanon disablereuse=on
</VirtualHost>
EOT
}

# undef: it is right in all.
sub fault {
    my ($self, $name) = @_;
    AcmeServer::write_file("$self->{dir}/new", $name // '');
    rename "$self->{dir}/new", "$self->{dir}/fault" or die $!;
}

sub serve {
    my ($self, $server) = @_;
    $self->fault(undef);
    $self->begin(sub {
        my $wire = AcmeWire->new(server => $server);
        while (1) {
            my $client = $self->{listen}->accept or next;
            eval { $self->answer($client, $wire); 1 } or warn $@;
        }
    });
    return $self;
}

# {method, path, body, header (of the JWS), payload}
sub request_read {
    my ($client) = @_;
    my $text = '';
    while ($text !~ /\r\n\r\n/) {
        sysread $client, $text, 65536, length $text or return;
    }
    my ($length) = $text =~ /^Content-Length: *(\d+)/mi;
    my ($method, $path) = $text =~ m{^(\S+) (\S+)};
    my ($type) = $text =~ /^Content-Type: *(.*?)\r$/mi;
    my ($head, $body) = split /\r\n\r\n/, $text, 2;
    while (length $body < ($length // 0)) {
        sysread $client, $body, 65536, length $body or return;
    }
    my $jws = eval { $json->decode($body) };
    my %part = ref $jws eq 'HASH' ? map {
        ($_ => scalar eval {
            $json->decode(decode_base64url($jws->{$_} // '')) })
    } qw(protected payload) : ();
    return { method => $method, path => $path, type => $type, body => $body,
        header => $part{protected}, payload => $part{payload} };
}

sub answer {
    my ($self, $client, $wire) = @_;
    my $request = request_read($client) or return;
    my $answer = $wire->http($request->{method},
        "https://localhost$request->{path}",
        length $request->{body} ? (body => $request->{body}) : (),
        headers => [$request->{type} ? "Content-Type: $request->{type}" : ()]);
    my $name = AcmeServer::read_file("$self->{dir}/fault");
    if (my $fault = $name ne '' && $self->{faults}{$name}) {
        my $was = $json->encode($answer->{json});
        $fault->($request, $answer, $self);
        $answer->{body} = $json->encode($answer->{json})
            if ref $answer->{json} && $json->encode($answer->{json}) ne $was;
    }
    answer_write($client, $request, $answer);
}

sub answer_write {
    my ($client, $request, $answer) = @_;
    my $headers = $answer->{headers};
    delete @$headers{qw(content-length transfer-encoding connection keep-alive
        date server)};
    my @lines = ("HTTP/1.1 $answer->{status} X", 'Connection: close');
    for my $name (sort keys %$headers) {
        push @lines, map { "$name: $_" } @{ $headers->{$name} };
    }
    push @lines, 'Content-Length: ' . length $answer->{body}
        if $answer->{status} != 204 && $request->{method} ne 'HEAD';
    syswrite $client, join("\r\n", @lines, '', '')
        . ($request->{method} eq 'HEAD' ? '' : $answer->{body});
    shutdown $client, 1;
    close $client;
}

1;
