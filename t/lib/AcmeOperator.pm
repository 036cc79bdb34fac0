# SPDX-License-Identifier: Apache-2.0
package AcmeOperator;

# What an operator does besides writing configuration: acmectl, and a PKI that
# was there before, made by openssl.  And what a client makes of the external
# account key that it was handed.

use strict;
use warnings;
use JSON::PP ();
use MIME::Base64 qw(encode_base64url decode_base64url);
use POSIX qw(strftime);
use parent 'Exporter';

use AcmeClient;
use AcmeServer;

our @EXPORT = qw(reload acmectl acmectl_json eab binding authority one_day
    memory);

my $json = JSON::PP->new->utf8->canonical->allow_nonref;

# Write the configuration anew, with these options changed, and reload it; no
# child of before is left.
sub reload {
    my ($server, %o) = @_;
    my %old = map { $_ => 1 } $server->children;
    $server->configure(%o)->graceful;
    AcmeServer::wait_for(20,
        sub { (grep { $old{$_} } $server->children) ? undef : 1 })
        or die "an old child stays\n";
}

# MB of all its processes, each page counted once.
sub memory {
    my ($server) = @_;
    my $sum = 0;
    for ($server->{pid}, $server->children) {
        $sum += $1 / 1024 if AcmeServer::read_file("/proc/$_/smaps_rollup")
            =~ /^Pss: *(\d+)/m;
    }
    return $sum;
}

# acmectl for this server: (exit code, output, errors).
sub acmectl {
    my ($server, @args) = @_;
    my $errors = "$server->{dir}/acmectl.stderr";
    open my $pipe, '-|', 'sh', '-c', 'exec 2>"$1"; shift; exec "$@"', 'sh',
        $errors, "$AcmeServer::build/acmectl", '--httpd',
        $server->command_line, @args or die $!;
    my $text = do { local $/; <$pipe> } // '';
    close $pipe;
    return ($? >> 8, $text, AcmeServer::read_file($errors));
}

# What it prints with --json; dies when it fails.
sub acmectl_json {
    my ($server, @args) = @_;
    my ($code, $text, $errors) = acmectl($server, '--json', @args);
    die "acmectl @args: $code $errors\n" if $code;
    return $json->decode($text);
}

# `acmectl eab create`: {kid, hmacKey, directoryURL, …}
sub eab {
    my ($server, @args) = @_;
    return acmectl_json($server, 'eab', 'create', @args);
}

# What counts by the day (of UTC) is not to run over midnight: waits for it when
# it is less than a minute away.
sub one_day {
    my $left = 86400 - time % 86400;
    sleep $left if $left < 60;
    return 86400 - time % 86400;
}

my %hmac = (HS256 => 'sha256', HS384 => 'sha384', HS512 => 'sha512');

sub mac {
    my ($client, $alg, $secret, $text) = @_;
    my $file = "$client->{dir}/eab";
    AcmeServer::write_file($file, $text);
    return AcmeClient::run('openssl', 'dgst', "-$hmac{$alg}", '-binary',
        '-mac', 'HMAC', '-macopt', 'hexkey:' . unpack('H*', $secret), $file);
}

# RFC 8555 7.3.4: newAccount's externalAccountBinding for this client and this
# key of eab().  Options replace members of the protected header (undef leaves
# one out), or more: payload, alter => sub (\%jws).
sub binding {
    my ($client, $key, %o) = @_;
    my %head = (alg => 'HS256', kid => $key->{kid},
        url => $client->endpoints->{newAccount});
    for (grep { !/^(?:payload|alter)$/ } keys %o) {
        $head{$_} = $o{$_};
        delete $head{$_} if !defined $o{$_};
    }
    my $alg = $hmac{ $head{alg} // '' } ? $head{alg} : 'HS256';
    my %jws = (protected => encode_base64url($json->encode(\%head)),
        payload => encode_base64url(
            $json->encode($o{payload} // $client->{jwk})));
    $jws{signature} = encode_base64url(mac($client, $alg,
        decode_base64url($key->{hmacKey}), "$jws{protected}.$jws{payload}"));
    $o{alter}->(\%jws) if $o{alter};
    return \%jws;
}

my $pki;

# Files of the `openssl ca` that makes certificates of CAs.
sub pki {
    return $pki if $pki;
    $pki = AcmeServer::tempdir();
    AcmeServer::write_file("$pki/conf", <<"EOT");
[req]
distinguished_name = dn
[dn]
[ca]
default_ca = default
[default]
database = $pki/index
new_certs_dir = $pki
default_md = sha256
rand_serial = yes
policy = policy
unique_subject = no
[policy]
commonName = supplied
EOT
    AcmeServer::write_file("$pki/index", '');
    return $pki;
}

my $count = 0;

sub day { return strftime('%Y%m%d%H%M%SZ', gmtime(time + 86400 * $_[0])) }

# A CA of a PKI that was there before: {name, cert, key, pem, csr}, cert and key
# being files.  by: the authority that signs it (none: it is a root); key: kind
# of AcmeClient::make_key, or same: an authority whose key it has; from, to: in
# days from now; ext: lines of extensions.
sub authority {
    my ($name, %o) = @_;
    my $dir  = pki();
    my $file = "$dir/" . ++$count;
    my $key  = $o{same} ? $o{same}{key}
        : AcmeClient::make_key($o{key} || 'ec256', "$file.key");
    AcmeClient::run('openssl', 'req', '-new', '-config', "$dir/conf", '-key',
        $key, '-subj', "/CN=$name", '-out', "$file.csr");
    AcmeServer::write_file("$file.ext", join "\n",
        'subjectKeyIdentifier = hash', 'authorityKeyIdentifier = keyid',
        @{ $o{ext} || ['basicConstraints = critical, CA:TRUE',
            'keyUsage = critical, keyCertSign, cRLSign'] }, '');
    AcmeClient::run('openssl', 'ca', '-batch', '-notext', '-config',
        "$dir/conf", '-in', "$file.csr", '-extfile', "$file.ext", '-startdate',
        day($o{from} // -1), '-enddate', day($o{to} // 3650), '-out',
        "$file.pem", $o{by} ? ('-cert', $o{by}{cert}, '-keyfile',
            $o{by}{key}) : ('-selfsign', '-keyfile', $key));
    return { name => $name, cert => "$file.pem", key => $key,
        pem => AcmeServer::read_file("$file.pem"), csr => "$file.csr" };
}

1;
