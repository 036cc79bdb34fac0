# SPDX-License-Identifier: Apache-2.0
package AcmeAlpn;

# A tiny responder for tls-alpn-01 (RFC 8737): openssl's server on loopback,
# with a certificate made for it.  show() starts it, or another one.

use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use IO::Socket::IP;
use parent 'AcmeChild';

use AcmeClient;
use AcmeServer;

# port: where to listen; address: 127.0.0.1.
sub new {
    my ($class, %o) = @_;
    my $self = bless { port => AcmeServer::free_port(),
        address => '127.0.0.1', dir => AcmeServer::tempdir(), %o }, $class;
    AcmeClient::make_key('ec256', "$self->{dir}/key");
    return $self;
}

# A certificate for this name (or "IP:…", or several) and key authorization.
# Options: critical => 0; san => undef or other text; oid; ext => [more]; ca =>
# 1: signed by another key.
sub certificate {
    my ($self, $name, $key_authorization, %o) = @_;
    my $dir  = $self->{dir};
    my $san  = exists $o{san} ? $o{san} : $name =~ /:/ ? $name : "DNS:$name";
    my $oid  = $o{oid} // '1.3.6.1.5.5.7.1.31';
    my $mark = ($o{critical} // 1) ? 'critical,' : '';
    my @ext  = @{ $o{ext} || [] };
    push @ext, "subjectAltName = $san" if defined $san;
    push @ext, "$oid = ${mark}DER:0420" . sha256_hex($key_authorization)
        if defined $key_authorization;
    AcmeServer::write_file("$dir/cnf", join "\n",
        '[req]', 'distinguished_name = dn', '[dn]', '[ext]', @ext, '');
    my @issuer;
    if ($o{ca}) {
        AcmeClient::make_key('ec256', "$dir/ca.key");
        AcmeClient::run(qw(openssl req -x509 -new -subj /CN=CA -key),
            "$dir/ca.key", '-out', "$dir/ca.pem");
        @issuer = ('-CA', "$dir/ca.pem", '-CAkey', "$dir/ca.key");
    }
    AcmeClient::run(qw(openssl req -x509 -new -subj /CN=challenge -key),
        "$dir/key", '-config', "$dir/cnf",
        '-extensions', 'ext', '-out', "$dir/cert", @issuer);
}

# Show what certificate() makes of these, to whoever comes.  Options: alpn =>
# another protocol, or undef for none; server => [more options of s_server].
sub show {
    my ($self, $name, $key_authorization, %o) = @_;
    $self->stop;
    unlink "$self->{dir}/said";
    $self->certificate($name, $key_authorization, %o);
    my $alpn = exists $o{alpn} ? $o{alpn} : 'acme-tls/1';
    my $host = $self->{address} =~ /:/ ? "[$self->{address}]"
        : $self->{address};
    $self->begin(sub {
        open STDIN,  '<', '/dev/null';
        open STDOUT, '>', "$self->{dir}/said";
        open STDERR, '>&', \*STDOUT;
        exec 'openssl', 's_server', '-accept', "$host:$self->{port}", '-key',
            "$self->{dir}/key", '-cert', "$self->{dir}/cert", '-tlsextdebug',
            '-www', defined $alpn ? ('-alpn', $alpn) : (),
            @{ $o{server} || [] };
    });
    AcmeServer::wait_for(10, sub {
        return AcmeServer::read_file("$self->{dir}/said") =~ /^ACCEPT/m
            ? 1 : undef;
    }) or die 'openssl s_server: ', $self->said;
}

# What openssl said of its visitors.
sub said { return AcmeServer::read_file("$_[0]{dir}/said") }

# The name (SNI) that the first visitor asked for.
sub server_name {
    my ($self) = @_;
    my ($dump) = $self->said =~ /"server name".*\n((?:[0-9a-f]{4} - .*\n)+)/
        or return '';
    my $octets = join '', $dump =~ /^[0-9a-f]{4} - ((?:[0-9a-f]{2}[ -])+)/mg;
    return substr pack('H*', $octets =~ tr/0-9a-f//cdr), 5;
}

1;
