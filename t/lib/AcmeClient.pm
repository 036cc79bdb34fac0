# SPDX-License-Identifier: Apache-2.0
package AcmeClient;

# An ACME client made of curl and openssl, so that our own JOSE code cannot
# agree with itself.  Low level first (http, jws, post), to send anything; then
# the steps of RFC 8555; then certificate(), all of them.

use strict;
use warnings;
use Digest::SHA qw(sha256);
use JSON::PP ();
use MIME::Base64 qw(encode_base64url decode_base64url);
use Time::HiRes qw(sleep);

use AcmeServer;

my $json = JSON::PP->new->utf8->canonical->allow_nonref;
my %alg = (
    ec256   => ['ES256', '-sha256', 'P-256', 32, 65],
    ec384   => ['ES384', '-sha384', 'P-384', 48, 97],
    ec521   => ['ES512', '-sha512', 'P-521', 66, 133],
    rsa2048 => ['RS256', '-sha256'],
    ed25519 => ['EdDSA'],
);

# server (an AcmeServer) or directory; key: a name of %alg, or key_file with it;
# cacert: file of roots, fetched from the server when not given.
sub new {
    my ($class, %o) = @_;
    my $self = bless { key => 'ec256', dir => AcmeServer::tempdir(), %o },
        $class;
    $self->{directory} ||= $self->{server}{directory};
    if (!$self->{key_file}) {
        $self->{key_file} = "$self->{dir}/account.pem";
        make_key($self->{key}, $self->{key_file});
    }
    $self->{alg} = $alg{ $self->{key} }[0];
    $self->{jwk} = $self->make_jwk;
    return $self;
}

sub make_key {
    my ($kind, $file) = @_;
    my @how
        = $kind =~ /^rsa(\d+)/ ? ('RSA', '-pkeyopt', "rsa_keygen_bits:$1")
        : $kind =~ /^ec(\d+)/  ? ('EC', '-pkeyopt', "ec_paramgen_curve:P-$1")
        :                        ('ED25519');
    run('openssl', 'genpkey', '-quiet', '-algorithm', @how, '-out', $file);
    return $file;
}

# Output of a command; dies when it fails.
sub run {
    my @cmd = @_;
    open my $pipe, '-|', 'sh', '-c', 'exec "$@" 2>/dev/null', 'sh', @cmd
        or die $!;
    binmode $pipe;
    my $text = do { local $/; <$pipe> };
    close $pipe or die "@cmd: status $?\n";
    return $text // '';
}

sub make_jwk {
    my ($self) = @_;
    my (undef, undef, $crv, $size, $point) = @{ $alg{ $self->{key} } };
    my $spki = run(qw(openssl pkey -pubout -outform DER -in),
        $self->{key_file});
    if ($crv) {
        my $at = substr $spki, -$point + 1;
        return { kty => 'EC', crv => $crv,
            x => encode_base64url(substr $at, 0, $size),
            y => encode_base64url(substr $at, $size) };
    }
    return { kty => 'OKP', crv => 'Ed25519',
        x => encode_base64url(substr $spki, -32) }
        if $self->{key} eq 'ed25519';
    my ($hex) = run(qw(openssl rsa -noout -modulus -in), $self->{key_file})
        =~ /=(\w+)/;
    return { kty => 'RSA', e => 'AQAB',
        n => encode_base64url(pack 'H*', $hex) };
}

sub thumbprint { encode_base64url(sha256($json->encode($_[0]{jwk}))) }

sub key_authorization { "$_[1]." . $_[0]->thumbprint }
sub sign {
    my ($self, $text) = @_;
    my $file = "$self->{dir}/tbs";
    AcmeServer::write_file($file, $text);
    my ($name, $digest, undef, $size) = @{ $alg{ $self->{key} } };
    return run(qw(openssl pkeyutl -sign -rawin -inkey), $self->{key_file},
        '-in', $file) if $name eq 'EdDSA';
    my $sig = run(qw(openssl dgst), $digest, '-sign', $self->{key_file}, $file);
    return $sig if $name eq 'RS256';
    return join '', map { substr("\0" x $size . $_, -$size) } der_ints($sig);
}

# The two INTEGERs of an ECDSA signature.
sub der_ints {
    my ($der) = @_;
    my $at = ord(substr $der, 1, 1) == 0x81 ? 3 : 2;
    my @ints;
    for (1, 2) {
        my $len = ord substr $der, $at + 1, 1;
        push @ints, substr $der, $at + 2, $len;
        $at += 2 + $len;
    }
    return @ints;
}

# A flattened JWS.  payload: a structure, or text as it is ('' is POST-as-GET).
# Options replace members of the protected header (undef leaves one out), or
# everything: protected => text, signature => text, alter => sub (\%jws).
sub jws {
    my ($self, $url, $payload, %o) = @_;
    my %head = (alg => $self->{alg}, url => $url);
    $head{nonce} = $self->nonce if !exists $o{nonce};
    if   ($self->{kid} && !$o{jwk}) { $head{kid} = $self->{kid} }
    else                            { $head{jwk} = $self->{jwk} }
    for (grep { !/^(?:protected|signature|alter|content_type)$/ } keys %o) {
        $head{$_} = $o{$_};
        delete $head{$_} if !defined $o{$_};
    }
    $payload = $json->encode($payload) if ref $payload;
    my $protected = encode_base64url($o{protected} // $json->encode(\%head));
    my $body = encode_base64url($payload);
    my %jws = (protected => $protected, payload => $body,
        signature => $o{signature}
            // encode_base64url($self->sign("$protected.$body")));
    $o{alter}->(\%jws) if $o{alter};
    return $json->encode(\%jws);
}

sub cacert {
    my ($self) = @_;
    return $self->{cacert} if $self->{cacert};
    my $file = "$self->{dir}/roots.pem";
    (my $url = $self->{directory}) =~ s{/[^/]*$}{/roots.pem};
    AcmeServer::write_file($file, run('curl', '-sfk', $url));
    return $self->{cacert} = $file;
}

# {status, headers => {lower case name => [values]}, body, json}
sub http {
    my ($self, $method, $url, %o) = @_;
    my @cmd = ('curl', '-si', '--http1.1', '--max-time', '60', '--path-as-is',
        '--cacert', $self->cacert, '-H', 'Expect:',
        map { ('-H', $_) } @{ $o{headers} || [] });
    push @cmd, $method eq 'HEAD' ? '-I' : ('-X', $method);
    if (defined $o{body}) {
        AcmeServer::write_file("$self->{dir}/body", $o{body});
        push @cmd, '--data-binary', "\@$self->{dir}/body";
    }
    return $self->parse(split /(?<=\r\n\r\n)/, run(@cmd, $url), 2);
}

sub parse {
    my ($self, $head, $body) = @_;
    my ($status) = ($head // '') =~ m{^HTTP/\S+ (\d+)}
        or die "no HTTP: @{[$head // '']}\n";
    my %headers;
    push @{ $headers{ lc $1 } }, $2 while $head =~ /^([\w-]+): *(.*?)\r?$/mg;
    my $res = { status => $status, headers => \%headers, body => $body // '' };
    $res->{json} = eval { $json->decode($body) };
    $self->{nonce} = header($res, 'replay-nonce') // $self->{nonce};
    return $res;
}

sub endpoints {
    my ($self) = @_;
    $self->{endpoints} ||= $self->http('GET', $self->{directory})->{json};
    return $self->{endpoints};
}

# A nonce nobody has used: the one of the last answer, else a new one.
sub nonce {
    my ($self) = @_;
    $self->http('HEAD', $self->endpoints->{newNonce}) if !$self->{nonce};
    return delete $self->{nonce};
}

sub post {
    my ($self, $url, $payload, %o) = @_;
    return $self->post_raw($url, $self->jws($url, $payload, %o), %o);
}

sub post_raw {
    my ($self, $url, $body, %o) = @_;
    return $self->http('POST', $url, body => $body, headers =>
        ['Content-Type: ' . ($o{content_type} || 'application/jose+json')]);
}

sub get { return $_[0]->post($_[1], '') }

sub header { my ($res, $name) = @_; return ($res->{headers}{$name} || [])->[0] }

# "malformed" of urn:ietf:params:acme:error:malformed, '' without a problem.
sub problem {
    my ($res) = @_;
    my $type = ref $res->{json} eq 'HASH' ? $res->{json}{type} // '' : '';
    return $type =~ /^urn:ietf:params:acme:error:(\w+)$/ ? $1 : '';
}

sub register {
    my ($self, %payload) = @_;
    my $res = $self->post($self->endpoints->{newAccount},
        { termsOfServiceAgreed => JSON::PP::true, %payload },
        jwk => $self->{jwk});
    $self->{kid} = header($res, 'location') if $res->{status} =~ /^20/;
    return $res;
}

sub order { # of names, "IP:…" for an address
    my ($self, @names) = @_;
    my $res = $self->post($self->endpoints->{newOrder}, { identifiers => [
        map { { type => /^IP:/ ? 'ip' : 'dns', value => s/^IP://r } } @names],
        %{ $self->{wish} || {} } });
    $res->{json}{self} = header($res, 'location') if ref $res->{json};
    return $res;
}

# Read a resource until its status is another one than these.
sub poll {
    my ($self, $url, @while) = @_;
    my $res;
    for (1 .. 300) {
        $res = $self->get($url);
        return $res if !grep { ($res->{json}{status} // '') eq $_ } @while;
        sleep 0.1;
    }
    die "$url stays $res->{json}{status}\n";
}

sub challenge {
    my ($authz, $type) = @_;
    my ($found) = grep { $_->{type} eq ($type || 'http-01') }
        @{ $authz->{challenges} };
    return $found;
}

# Answer http-01 of every pending authorization; the order, polled.
sub authorize {
    my ($self, $order, $responder) = @_;
    my @waiting;
    for my $url (@{ $order->{authorizations} }) {
        my $authz = $self->get($url)->{json};
        next if $authz->{status} ne 'pending';
        my $chall = challenge($authz);
        $responder->put($chall->{token},
            $self->key_authorization($chall->{token})) if $responder;
        $self->post($chall->{url}, {});
        push @waiting, $url;
    }
    $self->poll($_, 'pending') for @waiting;
    return { %{ $self->get($order->{self})->{json} }, self => $order->{self} };
}

# DER of a request for these names ("email:…", too), with a fresh key; options:
# key, key_file, subject, ext (further extensions).
sub csr {
    my ($self, $names, %o) = @_;
    my $key = $o{key_file} // "$self->{dir}/cert.key";
    make_key($o{key} || 'ec256', $key) if !$o{key_file};
    return run('openssl', 'req', '-new', '-key', $key, '-outform', 'DER',
        '-subj', $o{subject} || '/', map { ('-addext', $_) } @{ $o{ext} || [] },
        'subjectAltName=' . join ',', map { /:/ ? $_ : "DNS:$_" } @$names);
}

sub finalize {
    my ($self, $order, $csr) = @_;
    my %payload = (csr => encode_base64url($csr));
    my $res = $self->post($order->{finalize}, \%payload);
    return $res if $res->{status} != 200;
    return $self->poll($order->{self}, 'processing');
}

# Everything: the PEM chain for these names.
sub certificate {
    my ($self, $responder, @names) = @_;
    $self->register if !$self->{kid};
    my $order = $self->authorize($self->order(@names)->{json}, $responder);
    my $res = $self->finalize($order, $self->csr(\@names));
    die "no certificate: $res->{body}\n" if !$res->{json}{certificate};
    return $self->get($res->{json}{certificate})->{body};
}

# Does openssl follow the first certificate to the root, for this name or IPv4
# address?  The chain's other certificates are the intermediates.
sub verify {
    my ($self, $pem, $name) = @_;
    my ($leaf, @chain) = $pem =~ /(-----BEGIN.*?-----END [^\n]*\n)/sg;
    my $kind = '-verify_' . (($name // '') =~ /^[\d.]+$/ ? 'ip' : 'hostname');
    AcmeServer::write_file("$self->{dir}/leaf.pem", $leaf // '');
    AcmeServer::write_file("$self->{dir}/chain.pem", join '', @chain);
    return eval { run(qw(openssl verify -x509_strict -purpose sslserver),
        '-CAfile', $self->cacert, '-untrusted', "$self->{dir}/chain.pem",
        $name ? ($kind, $name) : (), "$self->{dir}/leaf.pem") } // '';
}

1;
