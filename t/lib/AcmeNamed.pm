# SPDX-License-Identifier: Apache-2.0
package AcmeNamed;

# BIND on a free port of 127.0.0.1, with authority for some zones and nothing
# beyond them; updates (RFC 2136) are taken with a key.  AcmeKnot is another
# one of these.

use strict;
use warnings;
use IO::Socket::INET;
use MIME::Base64 qw(encode_base64);
use POSIX ();
use parent 'AcmeChild';

use AcmeClient;
use AcmeServer;

# zones: [names]; signed: those of them that are; ns: {zone => the address of
# its name server}, 127.0.0.1 else.
sub new {
    my ($class, %o) = @_;
    my $self = bless { signed => [], ns => {}, %o,
        dir => AcmeServer::tempdir(), port => AcmeServer::free_port(),
        key_name => 'acme-test',
        secret => encode_base64(join('', map { chr rand 256 } 1 .. 32), '') },
        $class;
    $self->{key_file} = "$self->{dir}/update.key";
    AcmeServer::write_file($self->{key_file}, $self->key_text);
    $self->configure;
    $self->start;
    return $self;
}

sub server { return "127.0.0.1:$_[0]{port}" }

sub key_text {
    my ($self) = @_;
    return qq(key "$self->{key_name}" {\n  algorithm hmac-sha256;\n)
        . qq(  secret "$self->{secret}";\n};\n);
}

sub configure {
    my ($self) = @_;
    my ($dir, %signed) = ($self->{dir}, map { $_ => 1 } @{ $self->{signed} });
    my $text = $self->key_text . <<"EOT";
options {
  directory "$dir"; pid-file none; session-keyfile "$dir/session.key";
  listen-on port $self->{port} { 127.0.0.1; }; listen-on-v6 { none; };
  allow-query { any; }; recursion yes; allow-recursion { any; };
  dnssec-validation no; notify no; empty-zones-enable no;
  managed-keys-directory "$dir"; lock-file none;
};
controls { };
zone "." { type primary; file "root.zone"; };
EOT
    for my $zone (@{ $self->{zones} }) {
        my $more = $signed{$zone} ? 'dnssec-policy default;' : '';
        $text .= qq(zone "$zone" { type primary; file "$zone.zone"; $more\n)
            . qq(  allow-update { key "$self->{key_name}"; }; };\n);
        $self->zone($zone, $self->{ns}{$zone} // '127.0.0.1');
    }
    AcmeServer::write_file("$dir/named.conf", $text);
    AcmeServer::write_file("$dir/root.zone", "\$TTL 60\n"
        . "@ SOA a. b. 1 60 60 600 60\n@ NS a.\na. A 127.0.0.1\n"
        . join '', map { "$_. NS ns.$_.\nns.$_. A 127.0.0.1\n" }
        @{ $self->{zones} });
}

sub zone {
    my ($self, $zone, $ns) = @_;
    AcmeServer::write_file("$self->{dir}/$zone.zone", "\$TTL 60\n"
        . "@ SOA ns hostmaster 1 60 60 600 300\n@ NS ns\nns A $ns\n");
}

sub program {
    my ($self) = @_;
    return ('named', '-g', '-n', '1', '-c', "$self->{dir}/named.conf");
}

sub start {
    my ($self) = @_;
    $self->begin(sub {
        open STDIN,  '<', '/dev/null';
        open STDOUT, '>', "$self->{dir}/log";
        open STDERR, '>&', \*STDOUT;
        $ENV{PATH} .= ':/usr/sbin:/sbin';
        exec $self->program;
    });
    for my $zone (@{ $self->{zones} }) {
        my $want = (grep { $_ eq $zone } @{ $self->{signed} })
            ? qr/RRSIG\s+DNSKEY/ : qr/NOERROR/;
        AcmeServer::wait_for(20, sub { $self->dig($zone, 'DNSKEY') =~ $want
            ? 1 : undef })
            or die "$zone is not served: "
            . AcmeServer::read_file("$self->{dir}/log");
    }
}

sub dig {
    my ($self, $name, $type) = @_;
    return eval { AcmeClient::run('dig', '+dnssec', '+time=1', '+tries=1',
        '@127.0.0.1', '-p', $self->{port}, $name, $type) } // '';
}

# nsupdate's lines: 'update add …'.
sub update {
    my ($self, @lines) = @_;
    AcmeServer::write_file("$self->{dir}/update",
        join "\n", "server 127.0.0.1 $self->{port}", @lines, 'send', '');
    AcmeClient::run('nsupdate', '-k', $self->{key_file}, "$self->{dir}/update");
}

# The keys that sign a zone, as records.
sub anchor {
    my ($self, $zone) = @_;
    return join '', map { grep { /DNSKEY/ } AcmeServer::read_file($_)
            =~ /^([^;].*\n)/mg } glob "$self->{dir}/K$zone.+*.key";
}

sub stop {
    my ($self) = @_;
    my $pid = delete $self->{pid} or return;
    kill 'TERM', $pid;
    AcmeServer::wait_for(5, sub { waitpid($pid, POSIX::WNOHANG()) ? 1 : undef })
        or kill 'KILL', $pid;
}

1;
