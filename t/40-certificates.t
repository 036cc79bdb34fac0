#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Certificates as openssl sees them: leaves, the automatic CA, what is
# published, and the renewal of the virtual host's certificate and of the
# intermediate (T50, T56, T70, T82, R18).

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX qw(strftime);
use Test::More;
use Time::HiRes qw(sleep);
use Time::Local qw(timegm);

use AcmeCheck;
use AcmeResponder;
use AcmeServer;
use AcmeWire;

my $long  = join '.', ('l' x 30) x 3, 'test';
my @hosts = (map({ "n$_.test" } 1 .. 100), 'a.test', 'b.test', $long);

my $responder = AcmeResponder->new;
my $server = AcmeServer->new(http01_port => $responder->{port},
    hosts => \@hosts, global => 'StartServers 2')->start;
my $c = AcmeWire->new(server => $server);
$c->register;
$responder->thumbprint($c->thumbprint);

sub x509 {
    my ($pem, @what) = @_;
    AcmeServer::write_file("$c->{dir}/x.pem", $pem);
    return AcmeClient::run('openssl', 'x509', '-noout', '-in',
        "$c->{dir}/x.pem", @what);
}

sub certs_of { return $_[0] =~ /(-----BEGIN.*?-----END [^\n]*\n)/sg }

# {extension => [critical, value]}
sub extensions {
    my ($pem) = @_;
    my %found;
    my ($text) = x509($pem, '-text') =~ /X509v3 extensions:\n(.*?)\n {4}\w/s;
    while ($text =~ /^ {12}(\S.*?): (critical)?\n((?: {16}.*\n?)+)/mg) {
        my ($name, $critical, $value) = ($1, $2, $3);
        $value =~ s/^ +|\s+$//g;
        $found{$name} = [$critical ? 1 : 0, $value];
    }
    return \%found;
}

sub time_of {
    my ($pem, $which) = @_;
    my @t = x509($pem, $which, '-dateopt', 'iso_8601')
        =~ /=(\d+)-(\d+)-(\d+) (\d+):(\d+):(\d+)Z/ or return 0;
    return timegm(@t[5, 4, 3, 2], $t[1] - 1, $t[0]);
}

sub rfc3339 { return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime $_[0]) }

# The chain for these names; csr: options of openssl req; key: its kind; and
# wishes of the order.
sub issue {
    my ($names, %o) = @_;
    my $key = "$c->{dir}/leaf.key";
    AcmeClient::make_key($o{key} || 'ec256', $key);
    my @san = map { "DNS:$_" } @$names;
    my $csr = AcmeClient::run(qw(openssl req -new -outform DER -key), $key,
        '-addext', 'subjectAltName=' . join(',', @san),
        '-subj', $o{subject} || '/');
    my %order = (identifiers => [map { { type => 'dns', value => $_ } }
        @$names], map { $_ => $o{$_} } grep { /^not/ } keys %o);
    my $res   = $c->post($c->endpoints->{newOrder}, \%order);
    die "no order: $res->{body}\n" if $res->{status} != 201;
    my $order = { %{ $res->{json} }, self => AcmeClient::header($res,
        'location') };
    $order = $c->authorize($order) if $order->{status} eq 'pending';
    $res = $c->finalize($order, $csr);
    die "no certificate: $res->{body}\n" if !$res->{json}{certificate};
    return $c->get($res->{json}{certificate})->{body}, $res->{json};
}

sub key_id { return extensions($_[0])->{"X509v3 $_[1] Key Identifier"}[1] }

sub leaves {
    my $now = time;
    my ($pem) = issue(['b.test', 'a.test']);
    my @chain = certs_of($pem);
    is(join('', @chain), $pem, 'T82 certificates and nothing else');
    is(@chain, 2, 'R18 leaf and intermediate; T70 the root stays at home');
    like($c->verify($pem, $_), qr/OK/, "T70 verified strictly for $_")
        for 'a.test', 'b.test';
    my $ext = extensions($pem);
    is_deeply([sort keys %$ext], ['Authority Information Access',
        map { "X509v3 $_" }
        'Authority Key Identifier', 'Basic Constraints',
        'CRL Distribution Points', 'Extended Key Usage',
        'Key Usage', 'Subject Alternative Name', 'Subject Key Identifier'],
        'the extensions');
    is_deeply($ext->{'X509v3 Basic Constraints'}, [1, 'CA:FALSE'], 'CA:FALSE');
    is_deeply($ext->{'X509v3 Key Usage'}, [1, 'Digital Signature'],
        'key usage of an EC key');
    is_deeply($ext->{'X509v3 Extended Key Usage'},
        [0, 'TLS Web Server Authentication'], 'extended key usage');
    is_deeply($ext->{'X509v3 Subject Alternative Name'},
        [0, 'DNS:a.test, DNS:b.test'], 'T56 both names');
    like(key_id($pem, 'Subject'), qr/^(?:[0-9A-F]{2}:){19}[0-9A-F]{2}$/,
        'subject key identifier');
    is(key_id($pem, 'Authority'), key_id($chain[1], 'Subject'),
        'R34 authority key identifier: the issuer\'s, and only that');
    like(x509($pem, '-text'), qr/^ {4}Signature Algorithm: ecdsa-with-SHA256/m,
        'signed with SHA-256');
    like(x509($pem, '-text'), qr/Version: 3 /, 'version 3');
    is(x509($pem, '-issuer') =~ s/issuer//r,
        x509($chain[1], '-subject') =~ s/subject//r, 'the issuer\'s name');
    my ($from, $to) = map { time_of($pem, $_) } '-startdate', '-enddate';
    ok($from <= $now - 60 && $from >= $now - 7200, 'a little backdated');
    is($to - $from, 90 * 86400, 'ninety days');
}

sub serials {
    my %seen;
    for (1 .. 5) {
        my ($serial) = x509((issue(['a.test']))[0], '-serial') =~ /=(\w+)/;
        like($serial, qr/^[0-9A-F]{26,32}$/, 'a serial of 128 bits');
        $seen{ substr sprintf('%032s', $serial), 0, 4 }++;
        $seen{ substr $serial, -4 }++;
    }
    ok(keys %seen >= 9, 'random from the first bits to the last');
}

sub keys_of_leaves {
    for (['ec384', 'ASN1 OID: secp384r1', 'Digital Signature'],
        ['rsa2048', '2048 bit', 'Digital Signature, Key Encipherment'],
        ['rsa3072', '3072 bit', 'Digital Signature, Key Encipherment'])
    {
        my ($kind, $text, $usage) = @$_;
        my ($pem) = issue(['a.test'], key => $kind);
        like($c->verify($pem, 'a.test'), qr/OK/, "$kind: verified");
        like(x509($pem, '-text'), qr/\Q$text\E/, "$kind: the key");
        is_deeply(extensions($pem)->{'X509v3 Key Usage'}, [1, $usage],
            "$kind: its usages");
        is(x509($pem, '-pubkey'), AcmeClient::run(qw(openssl pkey -pubout -in),
            "$c->{dir}/leaf.key"), "$kind: the key of the request");
    }
}

sub subjects {
    my $subject = sub { x509($_[0], '-subject') =~ s/subject=|\n//gr };
    my ($pem) = issue(['b.test', 'a.test']);
    is($subject->($pem), 'CN = a.test', 'CN: the first name of the order');
    ($pem) = issue(['b.test', 'a.test'], subject => '/CN=b.test');
    is($subject->($pem), 'CN = b.test', 'CN: the one of the request');
    ($pem) = issue([$long, 'n1.test']);
    is($subject->($pem), 'CN = n1.test', 'CN: the first of at most 64');
    ($pem) = issue([$long]);
    is($subject->($pem), '', 'CN: none where every name is longer');
    is_deeply(extensions($pem)->{'X509v3 Subject Alternative Name'},
        [1, "DNS:$long"], 'and then the names are critical');
    like($c->verify($pem, $long), qr/OK/, 'verified');
}

sub hundred_names {
    my @names = map { "n$_.test" } 1 .. 100;
    my ($pem) = issue(\@names);
    is(extensions($pem)->{'X509v3 Subject Alternative Name'}[1],
        join(', ', map { "DNS:$_" } sort @names), 'a hundred names');
    like($c->verify($pem, 'n57.test'), qr/OK/, 'verified');
}

sub wishes {
    my $now = int time;
    my ($from, $to) = ($now - 1800, $now + 5 * 86400 + 1);
    my ($pem) = issue(['a.test'], notBefore => rfc3339($from),
        notAfter => rfc3339($to));
    is_deeply([map { time_of($pem, $_) } '-startdate', '-enddate'],
        [$from, $to], 'T50 both wishes, to the second');
    ($pem) = issue(['a.test'], notAfter => rfc3339($to));
    is(time_of($pem, '-enddate'), $to, 'T50 the end');
    ok(time_of($pem, '-startdate') <= $now, 'T50 and a start of ours');
    ($pem) = issue(['a.test'], notBefore => rfc3339($now + 86400));
    is(time_of($pem, '-startdate'), $now + 86400, 'T50 the start');
    is(time_of($pem, '-enddate'), $now + 91 * 86400,
        'T50 and ninety days from then');
    my $res = $c->post($c->endpoints->{newOrder}, { notAfter =>
        rfc3339($now + 366 * 86400), identifiers =>
        [{ type => 'dns', value => 'a.test' }] });
    refused($res, 400, 'malformed', 'T50 more than a year', qr/365 days/);
}

sub authorities {
    my $root = AcmeServer::read_file("$server->{state}/ca/root.pem");
    my ($issuing, $above, @more) = certs_of(
        AcmeServer::read_file("$server->{state}/ca/issuing-1.pem"));
    is("$above@more", $root, 'the intermediate has the root behind it');
    for (['root', $root, 'CA:TRUE', 7304], ['intermediate', $issuing,
            'CA:TRUE, pathlen:0', 1825])
    {
        my ($name, $pem, $basic, $days) = @$_;
        my $ext = extensions($pem);
        is_deeply($ext->{'X509v3 Basic Constraints'}, [1, $basic],
            "$name: $basic");
        is_deeply($ext->{'X509v3 Key Usage'}, [1, 'Certificate Sign, CRL Sign'],
            "$name: key usage");
        is(keys %$ext, 4, "$name: with both key identifiers");
        my $life = (time_of($pem, '-enddate') - time) / 86400;
        ok($life > $days - 1 && $life < $days + 1, "$name: $life days left");
        like(x509($pem, '-subject'), qr/ACME CA of localhost (?:root|issuing)/,
            "$name: its name");
    }
    AcmeServer::write_file("$c->{dir}/trusted.pem", $root);
    like(AcmeClient::run(qw(openssl verify -x509_strict -check_ss_sig -CAfile),
        "$c->{dir}/trusted.pem", "$server->{state}/ca/issuing-1.pem"), qr/OK/,
        'the chain verifies strictly');
}

sub fingerprint {
    return lc x509($_[0], '-fingerprint', '-sha256') =~ s/.*=|[:\n]//gr;
}

sub der { AcmeClient::run(qw(openssl x509 -outform DER -in), $_[0]) }

sub publication {
    my ($root) = AcmeServer::read_file("$server->{state}/ca/root.pem");
    my ($issuing) = certs_of(
        AcmeServer::read_file("$server->{state}/ca/issuing-1.pem"));
    AcmeServer::write_file("$c->{dir}/i.pem", $issuing);
    my ($pem, $cer) = ('application/pem-certificate-chain',
        'application/pkix-cert');
    my $fp = fingerprint($issuing);
    my %want = ('roots.pem' => [$pem, $root], 'chain.pem' => [$pem, $issuing],
        'root.cer' => [$cer, der("$server->{state}/ca/root.pem")],
        "issuer/$fp.cer" => [$cer, der("$c->{dir}/i.pem")],
        "issuer/$fp.pem" => [$pem, $issuing],
        'issuer/' . fingerprint($root) . '.pem' => [$pem, $root]);
    for my $name (sort keys %want) {
        my $short = $name =~ s/\w{60}//r;
        for my $base ($server->{base}, "http://localhost:$server->{http_port}")
        {
            my $res = $base =~ /^https/
                ? $c->http('GET', "$base/acme/$name")
                : $c->parse(split /(?<=\r\n\r\n)/, AcmeClient::run(qw(curl -si),
                    "$base/acme/$name"), 2);
            is_deeply([@$res{qw(status body)},
                AcmeClient::header($res, 'content-type')],
                [200, $want{$name}[1], $want{$name}[0]],
                ($base =~ s/:.*//r) . ": $short");
        }
    }
    my $res = $c->http('GET', "$server->{base}/acme/issuer/" . '0' x 64
        . '.cer');
    is($res->{status}, 404, 'an issuer that is not ours');
    $res = $c->http('POST', "$server->{base}/acme/roots.pem", body => '{}');
    is($res->{status}, 405, 'POST');
    is(AcmeClient::header($res, 'allow'), 'GET, HEAD', 'and what is allowed');
}

# What a TLS client sees: verify's verdict and the chain.
sub handshake {
    my $text = AcmeClient::run('sh', '-c', 'openssl s_client -showcerts '
        . "-connect 127.0.0.1:$server->{port} -servername localhost -CAfile "
        . "$server->{state}/ca/root.pem -verify_hostname localhost "
        . '-x509_strict -purpose sslserver </dev/null; true');
    my ($verdict) = $text =~ /Verify return code: (\d+)/;
    return $verdict // 'none', certs_of($text);
}

sub vhost {
    my ($verdict, @chain) = handshake();
    is($verdict, 0, 'the virtual host\'s certificate chains to the root');
    is(@chain, 2, 'it comes with the intermediate');
    my $file = AcmeServer::read_file(
        "$server->{state}/ca/vhost-localhost.pem");
    is(join('', @chain), $file, 'as it is in the file');
    is(x509($chain[0], '-subject'), "subject=CN = localhost\n", 'its CN');
    is(extensions($chain[0])->{'X509v3 Subject Alternative Name'}[1],
        'DNS:localhost', 'its name');
    my $life = time_of($chain[0], '-enddate') - time;
    ok($life > 89 * 86400 && $life <= 90 * 86400, 'for ninety days');
}

# The first certificate of a file anew, with this life; by this CA, whose
# certificate comes behind it.
sub age {
    my ($file, $ca, $from, $to) = @_;
    my $dir = AcmeServer::tempdir();
    my $ca_dir = "$server->{state}/ca";
    my ($above) = certs_of(AcmeServer::read_file("$ca_dir/$ca.pem"));
    AcmeServer::write_file("$dir/index.txt", '');
    AcmeServer::write_file("$dir/ca.cnf", <<"EOT");
[ca]
default_ca = d
[d]
dir = $dir
database = $dir/index.txt
new_certs_dir = $dir
rand_serial = yes
policy = p
copy_extensions = copyall
x509_extensions = e
[p]
commonName = supplied
[e]
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
EOT
    AcmeClient::run(qw(openssl x509 -x509toreq -copy_extensions copyall -in),
        "$ca_dir/$file.pem", '-signkey', "$ca_dir/$file.key", '-out',
        "$dir/req.pem");
    AcmeClient::run(qw(openssl ca -batch -notext -md sha256 -config),
        "$dir/ca.cnf", '-cert', "$ca_dir/$ca.pem", '-keyfile',
        "$ca_dir/$ca.key", '-in', "$dir/req.pem", '-out', "$dir/new.pem",
        '-startdate', strftime('%Y%m%d%H%M%SZ', gmtime $from),
        '-enddate', strftime('%Y%m%d%H%M%SZ', gmtime $to));
    AcmeServer::write_file("$ca_dir/$file.pem",
        AcmeServer::read_file("$dir/new.pem") . $above);
}

# Two thirds of the lives of the virtual host's certificate and the intermediate
# are over a few seconds after the start.
sub renewals {
    my $now = int time;
    my ($state, $day) = ("$server->{state}/ca", 86400);
    my $root = AcmeServer::read_file("$state/root.pem");
    $c->detach;
    $server->stop;
    age('issuing-1', 'root', $now - 1000 * $day, $now + 500 * $day + 12);
    age('vhost-localhost', 'issuing-1', $now - 60 * $day,
        $now + 30 * $day + 12);
    my ($old) = certs_of(AcmeServer::read_file("$state/vhost-localhost.pem"));
    $server->start;
    delete $c->{nonce};
    my ($verdict, $leaf) = handshake();
    is($verdict, 0, 'aged certificates verify');
    is($leaf, $old, 'and are not yet due');
    my ($pem, $order) = issue(['a.test']);
    my ($first) = (certs_of($pem))[1];

    # A child that has looked looks again in a minute, another one at once.
    my $new = AcmeServer::wait_for(90, sub {
        sleep 0.3;
        my ($code, $cert) = handshake();
        return $code || $cert ne $old ? $cert : undef;
    });
    ok($new, 'the virtual host\'s certificate is renewed without a restart');
    is(x509($new, '-pubkey'), x509($old, '-pubkey'), 'for the same key');
    AcmeServer::write_file("$c->{dir}/first.pem", $first);
    like($c->verify($new . $first, 'localhost'), qr/OK/, 'and it verifies');
    my $life = time_of($new, '-enddate') - $now;
    ok($life > 89 * $day, 'for ninety days');
    is(sql($server, 'SELECT count(*) FROM certs WHERE order_id IS NULL'),
        "2\n", 'it was signed once for all children, after that of the start');

    ok(!-e "$state/issuing-2.pem", 'the intermediate is the parent\'s');
    $c->detach;
    $server->graceful;
    my ($issuing) = certs_of(AcmeServer::read_file("$state/issuing-2.pem"));
    ok($issuing, 'at a reload there is a second intermediate');
    my ($next) = issue(['a.test']);
    is((certs_of($next))[1], $issuing, 'which signs from now on');
    like($c->verify($next, 'a.test'), qr/OK/, 'verified');
    is($c->get($order->{certificate})->{body}, $pem,
        'what the first one signed is given out as before');
    like($c->verify($pem, 'a.test'), qr/OK/, 'and verified');
    for ($first, $issuing) {
        my $res = $c->http('GET', "$server->{base}/acme/issuer/"
            . fingerprint($_) . '.pem');
        is($res->{body}, $_, 'both are published');
    }
    is($c->http('GET', "$server->{base}/acme/roots.pem")->{body}, $root,
        'the root is the same');
    ($verdict) = handshake();
    is($verdict, 0, 'and TLS goes on');
}

leaves();
serials();
keys_of_leaves();
subjects();
hundred_names();
wishes();
authorities();
publication();
vhost();
renewals();
$server->finish;
done_testing;
