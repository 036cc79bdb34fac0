#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# What anybody may fetch, over TLS and plain HTTP: roots and chains in every
# form, conditional requests, and the page for people at <ACMEPath>/, whose URL
# is no directory for clients (R25).

use strict;
use warnings;
use Digest::SHA qw(sha256_hex);
use FindBin;
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(decode_base64);
use Test::More;
use AcmeCheck;
use AcmeClient;
use AcmeOperator;
use AcmeServer;
use AcmeSkip;
use AcmeWire;

my $html = 'Accept: text/html,application/xhtml+xml,*/*;q=0.8';
my $vhost = <<'EOT';
<ACMEProfile web>
    ACMEProfileDescription "Web <b>servers</b> & more"
    ACMEProfileEnrollment acme
</ACMEProfile>
<ACMEProfile vip>
    ACMEProfileExternalAccount required
    ACMEProfileValidity 36h
    ACMEProfileEnrollment acme
</ACMEProfile>
<ACMEProfile hidden>
</ACMEProfile>
ACMEDefaultProfile web
EOT
my $server = AcmeServer->new(vhost => $vhost)->start;
my $c      = AcmeWire->new(server => $server);
my $root   = "$server->{base}/acme";
my $plain  = "http://127.0.0.1:$server->{http_port}/acme";

sub get { return $c->http('GET', "$root/$_[0]", headers => [@_[1 .. $#_]]) }
sub head { return AcmeClient::header(@_) // 'none' }

# What openssl says of these octets.
sub openssl {
    my ($octets, @command) = @_;
    AcmeServer::write_file("$c->{dir}/in", $octets);
    return AcmeClient::run('openssl', @command, '-in', "$c->{dir}/in");
}

sub der { return decode_base64($_[0] =~ s/-----[^-]+-----//gr) }

my $pem  = get('roots.pem')->{body};
my $fp   = sha256_hex(der($pem));
my $text = uc join ':', $fp =~ /../g;

subtest 'every form' => sub {
    my %type = ('roots.pem' => 'application/pem-certificate-chain',
        'root.pem' => 'application/pem-certificate-chain',
        'chain.pem' => 'application/pem-certificate-chain',
        'root.cer' => 'application/pkix-cert',
        'roots.p7c' => 'application/pkcs7-mime; smime-type=certs-only',
        'chain.p7c' => 'application/pkcs7-mime; smime-type=certs-only',
        "issuer/$fp.cer" => 'application/pkix-cert',
        "issuer/$fp.pem" => 'application/pem-certificate-chain',
        'roots.mobileconfig' => 'application/x-apple-aspen-config');
    for my $name (sort keys %type) {
        my $res = get($name);
        is($res->{status}, 200, $name);
        is(head($res, 'content-type'), $type{$name}, '… its type');
        is(AcmeClient::run('curl', '-sf', "$plain/$name"), $res->{body},
            '… the same over plain HTTP');
        is($c->http('HEAD', "$root/$name")->{status}, 200, '… HEAD');
        my $post = $c->http('POST', "$root/$name", body => 'x');
        refused($post, 405, 'malformed', '… no POST');
        is(head($post, 'allow'), 'GET, HEAD', '… with Allow');
        is(head($res, 'replay-nonce'), 'none', '… without a nonce');
    }
    is(get('root.pem')->{body}, $pem, 'root.pem');
    is(get('root.cer')->{body}, der($pem), 'root.cer is the same in DER');
    is(get("issuer/$fp.cer")->{body}, der($pem), 'by its fingerprint, too');
    my @p7 = qw(pkcs7 -inform DER -print_certs);
    my $roots = openssl(get('roots.p7c')->{body}, @p7);
    ok(index($roots, $pem) >= 0, 'roots.p7c has the root');
    is(() = $roots =~ /BEGIN/g, 1, 'and nothing else');
    my $chain = openssl(get('chain.p7c')->{body}, @p7);
    ok(index($chain, $_) >= 0, 'chain.p7c has it, and the chain')
        for $pem, get('chain.pem')->{body};
    is(() = $chain =~ /BEGIN/g, 2, 'and nothing else');
};

subtest 'for Apple\'s machines' => sub {
    my $body = get('roots.mobileconfig')->{body};
    my ($data) = $body =~ m{<data>([\w+/=]+)</data>};
    is(decode_base64($data // ''), der($pem), 'the root');
    my @uuids = $body =~ m{PayloadUUID</key><string>([-0-9A-F]{36})<}g;
    is(@uuids, 2, 'two UUIDs');
    is(substr($uuids[0] // '', 0, 8), uc substr($fp, 0, 8),
        'made of the fingerprint');
    my $code = system('python3', '-c', 'import plistlib');
  SKIP: {
        skip_here 'no python3 to parse it', 1 if $code;
        AcmeServer::write_file("$c->{dir}/plist", $body);
        is(AcmeClient::run('python3', '-c', <<'EOT', "$c->{dir}/plist"),
import plistlib, sys
p = plistlib.load(open(sys.argv[1], 'rb'))
print(p['PayloadType'], *[r['PayloadType'] for r in p['PayloadContent']])
EOT
            "Configuration com.apple.security.root\n", 'a property list');
    }
    $server->graceful;
    is(get('roots.mobileconfig')->{body}, $body, 'the same after a reload');
};

subtest 'conditional requests' => sub {
    for my $name ('roots.pem', 'root.cer', 'chain.p7c', '') {
        my $res = get($name, $html);
        my ($etag, $date) = map { head($res, $_) } qw(etag last-modified);
        like($etag, qr/^"[0-9a-f]{32}"$/, "ETag of /$name");
        like($date, qr/^\w{3}, \d\d \w{3} \d{4} .* GMT$/, '… Last-Modified');
        is(head($res, 'cache-control'), 'public, max-age=3600',
            '… Cache-Control');
        for ("If-None-Match: $etag", "If-None-Match: \"x\", $etag",
            "If-Modified-Since: $date")
        {
            my $not = get($name, $html, $_);
            is($not->{status}, 304, "… 304 with $_");
            is($not->{body}, '', '… and no body');
            is(head($not, 'etag'), $etag, '… but its ETag');
        }
        is(get($name, $html, $_)->{status}, 200, "… but 200 with $_")
            for 'If-None-Match: "x"',
            'If-Modified-Since: Mon, 01 Jan 2024 00:00:00 GMT';
    }
};

subtest 'the page for people' => sub {
    my $res  = get('', $html);
    my $page = $res->{body};
    is($res->{status}, 200, 'the page');
    is(head($res, 'content-type'), 'text/html; charset=utf-8', 'HTML');
    like(head($res, 'content-security-policy'),
        qr/^default-src 'none'; style-src 'sha256-[\w+\/]{43}='; /, 'its CSP');
    is(head($res, 'vary'), 'Accept', 'Vary');
    cmp_ok(length $page, '<', 32768, 'small');
    ok(index($page, $text) >= 0, 'the root\'s fingerprint');
    like($page, qr/^openssl x509 .* -fingerprint$/m, 'how to compare it');
    like($page, qr/<summary>\Q$_/, "for $_")
        for 'Debian, Ubuntu', 'RHEL', 'Windows', 'macOS', 'iOS', 'Firefox',
        'Java', 'Python, certbot';
    like($page, qr{--server \Q$root\E/web/directory \\\n    --agree},
        'a line without an external account');
    like($page, qr{\Q$root\E/vip/directory \\\n +--eab-kid KID },
        'a line with one');
    like($page, qr{or <code>\Q$root\E/directory</code>}, 'the default profile');
    unlike($page, qr{hidden}, 'nothing of what has no directory');
    like($page, qr{Web &lt;b&gt;servers&lt;/b&gt; &amp; more}, 'escaped');
    unlike($page, qr/<script|<link|<img|src=|href="http/i, 'nothing foreign');
    for my $href ($page =~ /href="([^"]+)"/g) {
        is(get($href)->{status}, 200, "its link $href");
    }
    is(AcmeClient::run('curl', '-sf', '-H', $html, "$plain/"), $page,
        'the same over plain HTTP');
    my ($fetch) = $page =~ /^<pre>(curl -fsSk -o \S+ \S+)$/m;
    my ($file) = $fetch =~ /-o (\S+)/;
    AcmeClient::run('sh', '-c', "cd $c->{dir} && $fetch");
    is(AcmeServer::read_file("$c->{dir}/$file"), $pem, 'its line for curl');
    my $bare = $c->http('GET', $root, headers => [$html]);
    is("$bare->{status} " . head($bare, 'location'), '301 acme/',
        'a slash is put behind the path');
    is(get('?x=y', $html)->{status}, 200, 'a query is ignored');
    is($c->http('POST', "$root/", body => 'x')->{status}, 405, 'no POST');
};

subtest 'R25 clients are told where the directory is' => sub {
    for my $accept ('Accept:', 'Accept: */*', 'Accept: application/json',
        'Accept: application/json, text/html;q=0')
    {
        for my $url ($root, "$root/") {
            my $res = $c->http('GET', $url, headers => [$accept]);
            refused($res, 404, 'malformed', "R25 $accept $url",
                qr{\Q$root\E/directory});
            is(head($res, 'vary'), 'Accept', 'and caches know why');
        }
        like(AcmeClient::run('curl', '-s', '-H', $accept, "$plain/"),
            qr{\Q$root\E/directory}, 'R25 over plain HTTP, too');
        for my $path ('/vip', '/vip/', '/vip/dir') {
            my $want = qr{ \Q$root\E/vip/directory"};
            like($c->http('GET', "$root$path", headers => [$accept])->{body},
                $want, "R25 $path leads to the directory of that profile");
            like(AcmeClient::run('curl', '-s', "$plain$path"), $want,
                '… over plain HTTP, too');
        }
    }
};

subtest 'two roots' => sub {
    my $other = authority('Other <Root> & "Co"');
    my $sub   = authority('Other Issuing', by => $other);
    AcmeServer::write_file("$c->{dir}/other.pem", "$sub->{pem}$other->{pem}");
    reload($server, vhost => <<"EOT");
<ACMEIssuer other>
    ACMEIssuerCertificate $c->{dir}/other.pem
    ACMEIssuerKey $sub->{key}
</ACMEIssuer>
<ACMEProfile web>
    ACMEProfileIssuer other
    ACMEProfileEnrollment acme
</ACMEProfile>
EOT
    $c = AcmeWire->new(server => $server);
    my $body = get('roots.pem')->{body};
    ok(index($body, $_) >= 0, 'roots.pem has both') for $pem, $other->{pem};
    my $roots = openssl(get('roots.p7c')->{body},
        qw(pkcs7 -inform DER -print_certs));
    ok(index($roots, $_) >= 0, 'roots.p7c, too') for $pem, $other->{pem};
    is(get('root.pem')->{body}, $other->{pem}, 'root.pem is who signs');
    my $page = get('', $html)->{body};
    ok(index($page, uc join ':', sha256_hex(der($_)) =~ /../g) >= 0,
        'the page, too') for $pem, $other->{pem};
    like($page, qr/Other &lt;Root&gt; &amp; &quot;Co&quot;/, 'escaped');
    like(get('roots.mobileconfig')->{body},
        qr/Other &lt;Root&gt; &amp; &quot;Co&quot;/, 'there, too');
};

# One plain virtual host for all CAs of a machine.
subtest 'two ACME virtual hosts, one plain one with the names of both' => sub {
    my $state = AcmeServer::tempdir() . '/second';
    reload($server, vhost => $vhost, http_vhost => "ServerAlias second.test\n",
        global => <<"EOT");
<VirtualHost 127.0.0.1:$server->{port}>
    ServerName second.test:$server->{port}
    SSLEngine on
    ACMEServer on
    ACMEStateDir $state
    ACMEPath /pki
</VirtualHost>
EOT
    unlike($server->log, qr/AS0430: /, 'there is nothing to warn of');
    my $second = AcmeServer::read_file("$state/ca/root.pem");
    for (['localhost', 'acme', $pem], ['second.test', 'pki', $second]) {
        my ($host, $path, $want) = @$_;
        my $got = AcmeClient::run('curl', '-s', '-H', "Host: $host",
            "http://127.0.0.1:$server->{http_port}/$path/roots.pem");
        ok(index($got, $want) >= 0, "$host publishes its own roots")
            or diag $got;
    }
};

$c->detach;
$server->finish;
done_testing;
