#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# OCSP as openssl and curl see it: POST and GET, nonces, what is good, revoked,
# unknown and not ours; without database and without key.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use MIME::Base64 qw(decode_base64 encode_base64 encode_base64url);
use Test::More;

use AcmeCheck;
use AcmeResponder;
use AcmeServer;
use AcmeWire;

my $responder = AcmeResponder->new;
my $server = AcmeServer->new(http01_port => $responder->{port})->start;
my $c = AcmeWire->new(server => $server);
$c->register;
$responder->thumbprint($c->thumbprint);

my $ca   = "$server->{state}/ca";
my $http = "http://localhost:$server->{http_port}/acme";
my $root = "$ca/root.pem";

sub run { AcmeClient::run(@_) }

# What a command says, whatever it returns.
sub said { return run('sh', '-c', '"$@" 2>&1; true', 'sh', @_) }

sub file {
    my ($name, $text) = @_;
    AcmeServer::write_file("$c->{dir}/$name", $text);
    return "$c->{dir}/$name";
}

my $count = 0;

# The file of a new leaf.
sub issue {
    my ($name) = @_;
    my $pem = $c->certificate($responder, $name);
    return file('leaf-' . ++$count . '.pem', $pem);
}

sub revoke {
    my ($leaf, $reason) = @_;
    my ($der) = AcmeServer::read_file($leaf)
        =~ /-----BEGIN[^\n]*\n(.*?)-----END/s;
    my $res = $c->post($c->endpoints->{revokeCert}, {
        certificate => encode_base64url(decode_base64($der)),
        $reason < 0 ? () : (reason => $reason) });
    is($res->{status}, 200, 'revoked');
}

sub issuer { return "$ca/issuing-1.pem" }

sub fingerprint {
    my ($cert) = @_;
    return lc run(qw(openssl x509 -noout -fingerprint -sha256 -in), $cert)
        =~ s/.*=|[:\n]//gr;
}

my $url = "$http/issuer/" . fingerprint(issuer()) . '.ocsp';

# The openssl command asks and judges.
sub ask {
    my ($leaf, @options) = @_;
    return said(qw(openssl ocsp -issuer), issuer(), @options, '-cert', $leaf,
        '-url', $url, '-CAfile', $root, '-verify_other', issuer(),
        '-resp_text');
}

# {status, headers, body}
sub fetch {
    my ($at, @options) = @_;
    return $c->parse(split(/(?<=\r\n\r\n)/, run('curl', '-si', @options, $at),
        2));
}

sub header { return AcmeClient::header(@_) }

# The file of a request.
sub request {
    my ($leaf, @options) = @_;
    my $name = "$c->{dir}/request.der";
    run(qw(openssl ocsp -no_nonce -issuer), issuer(), @options, '-cert',
        $leaf, '-reqout', $name);
    return $name;
}

# RFC 6960 A.1, as careful clients write it, or as careless ones.
sub get_url {
    my ($file, $is_careless) = @_;
    my $text = encode_base64(AcmeServer::read_file($file), '');
    $text =~ s/([^A-Za-z0-9])/sprintf '%%%02X', ord $1/ge if !$is_careless;
    return "$url/$text";
}

sub get { return fetch(get_url(@_)) }

sub post {
    my ($file, @options) = @_;
    return fetch($url, '-H', 'Content-Type: application/ocsp-request',
        '--data-binary', "\@$file", @options);
}

# What openssl says of a response.
sub read_response {
    my ($res) = @_;
    return said(qw(openssl ocsp -resp_text -noverify -respin),
        file('response.der', $res->{body}));
}

sub leaves {
    my $text = run(qw(openssl x509 -noout -text -in), issue('a.test'));
    like($text, qr/OCSP - URI:\Q$url\E\n/, 'AIA: where OCSP is answered');
}

sub states {
    my ($good, $bad, $odd) = map { issue($_) } 'a.test', 'b.test', 'c.test';
    my $text = ask($good);
    like($text, qr/Response verify OK.*: good\n/s, 'good');
    unlike($text, qr/no nonce/, 'RFC 9654 the nonce comes back');
    like($text, qr/OCSP Signing/, 'by a signer of its own');
    like($text, qr/OCSP No Check/, '… which nobody need ask about');
    revoke($bad, 1);
    like(ask($bad), qr/verify OK.*: revoked\n.*keyCompromise.*Revocation Time/s,
        'T75 revoked, why and when');
    revoke($odd, -1);
    unlike(ask($odd) =~ s/.*\Q$odd//sr, qr/Reason/, 'no reason, no reason');
    like(ask($bad, '-sha256'), qr/Response verify OK.*: revoked\n/s,
        'asked by SHA-256');
    like(ask($bad, '-sha512'), qr/unauthorized/, 'SHA-512 is nobody\'s name');
    my $both = said(qw(openssl ocsp -issuer), issuer(), '-cert', $good,
        '-cert', $bad, '-serial', '0x1234', '-url', $url, '-CAfile', $root,
        '-verify_other', issuer());
    like($both, qr/: good\n.*: revoked\n.*0x1234: unknown\n/s,
        'several at once; unknown: what was never issued');
    like(said(qw(openssl ocsp -issuer), $root, '-cert', $good, '-url', $url),
        qr/unauthorized/, 'another issuer\'s');
    return ($good, $bad);
}

sub by_get {
    my ($good, $bad) = @_;
    for my $careless (0, 1) {
        my $res = get(request($good), $careless);
        is($res->{status}, 200, 'GET');
        is(header($res, 'content-type'), 'application/ocsp-response',
            'its type');
        like(read_response($res), qr/Cert Status: good/, 'good');
        like(header($res, 'cache-control'), qr/^public, max-age=300, /,
            'RFC 5019 6.2 Cache-Control');
        like(header($res, $_), qr/GMT$/, $_) for qw(last-modified expires);
        like(header($res, 'etag'), qr/^"\w{32}"$/, 'ETag');
        is(header($res, 'replay-nonce'), undef, 'no nonce of ACME\'s');
    }
    my $at = get_url(request($good));
    is(fetch($at, '-I')->{status}, 200, 'HEAD');
    my $tag = header(fetch($at), 'etag');
    ok(AcmeServer::wait_for(20, sub {
        fetch($at, '-H', "If-None-Match: $tag")->{status} == 304 || undef }),
        '304 by ETag, when the same child answers');
    like(read_response(get(request($bad))), qr/Cert Status: revoked/,
        'revoked');
    revoke($good, 4);
    like(read_response(get(request($good))), qr/Cert Status: revoked/,
        'seen at once, whatever was signed before');
    is(header(get(request($bad, '-serial', '1')), 'cache-control'),
        'no-store', 'two answers, none is kept');
}

sub junk {
    my ($leaf) = @_;
    like(read_response(post(file('junk', 'junk'))), qr/malformedrequest/,
        'junk');
    like(read_response(post(file('long', "0\x82\x40\1" . 'x' x 20000))),
        qr/malformedrequest/, 'long junk');
    like(read_response(fetch("$url/junk")), qr/malformedrequest/, 'GET junk');
    like(read_response(fetch($url)), qr/malformedrequest/, 'GET nothing');
    my @many = map { ('-serial', $_) } 1 .. 20;
    like(read_response(post(request($leaf, @many))), qr/malformedrequest/,
        '21 certificates');
    @many = map { ('-serial', $_) } 1 .. 19;
    like(read_response(post(request($leaf, @many))), qr/unknown.*good/s,
        '20 certificates');
    is(fetch($url, '-d', 'x')->{status}, 415, 'a form');
    my $res = fetch($url, '-X', 'PUT');
    is("$res->{status} " . header($res, 'allow'), '405 GET, HEAD, POST',
        'PUT');
    $res = fetch($url, '-X', 'OPTIONS');
    is("$res->{status} " . header($res, 'allow'), '204 GET, HEAD, POST',
        'OPTIONS');
    is(fetch("$http/issuer/" . '0' x 64 . '.ocsp')->{status}, 404,
        'of nobody');
}

# curl of a server that staples what the responder says.
sub stapled {
    my $name = 'd.test';
    my $pem  = $c->certificate($responder, $name);
    my $leaf = file('stapled.pem', $pem);
    my $port = AcmeServer::free_port();
    my $text = ask($leaf, '-respout', "$c->{dir}/staple.der", '-no_nonce');
    like($text, qr/: good\n/, 'a response in a file');
    my $pid = fork // die;
    if (!$pid) {
        open $_, '+<', '/dev/null' for *STDIN, *STDOUT, *STDERR;
        exec qw(openssl s_server -www -accept), "127.0.0.1:$port", '-cert',
            $leaf, '-cert_chain', $leaf, '-key', "$c->{dir}/cert.key",
            '-status_file', "$c->{dir}/staple.der";
    }
    AcmeServer::wait_for(10, sub {
        IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") });
    like(said('curl', '-sS', '--cacert', $root, '--cert-status', '--resolve',
        "$name:$port:127.0.0.1", "https://$name:$port/"),
        qr/Ciphers supported/, 'curl --cert-status takes it');
    kill 'TERM', $pid;
    waitpid $pid, 0;
}

sub nothing_left {
    my ($leaf) = @_;
    my $at = get_url(request($leaf));
    $c->detach;
    $server->stop;
    my $db = "$server->{state}/db";
    rename $db, "$db.away";
    mkdir $db, 0700;
    AcmeServer::write_file("$db/acme.db", 'no database');
    chown((stat "$db.away")[4, 5], $db, "$db/acme.db");
    $server->start;
    like(read_response(fetch($at)), qr/trylater/, 'without database: tryLater');
    is(header(fetch($at), 'cache-control'), 'no-store', '… not to be kept');
    $server->stop;
    run('rm', '-rf', $db);
    rename "$db.away", $db;
    rename "$ca/issuing-1.key", "$ca/issuing-1.away";
    rename "$ca/root.key", "$ca/root.away";
    $server->start;
    like(read_response(fetch($at)), qr/trylater/, 'without key: tryLater');
    $server->stop;
    rename "$ca/$_.away", "$ca/$_.key" for 'issuing-1', 'root';
}

# Two generations at once, and an issuer without OCSP.
sub issuers {
    my $dir = "$server->{dir}/corp";
    run("$AcmeServer::build/acmectl", qw(ca init --name Corp --dir), $dir,
        '--root-key', "$server->{dir}/corp-root.key");
    my $profile = "<ACMEProfile web>\nACMEProfileIssuer corp\n"
        . "ACMEProfileEnrollment acme\n</ACMEProfile>";
    my $corp = sub { "<ACMEIssuer corp>\nACMEIssuerDirectory $dir\n"
        . "$_[0]\n</ACMEIssuer>\n$profile" };
    $server->configure(vhost => $corp->('ACMEIssuerOCSP off'));
    $server->start;
    $url = "$http/issuer/" . fingerprint("$dir/1.pem") . '.ocsp';
    my $old = AcmeWire->new(server => $server, profile => 'web');
    $old->register;
    $responder->thumbprint($old->thumbprint);
    my $leaf = file('off.pem', $old->certificate($responder, 'e.test'));
    unlike(run(qw(openssl x509 -noout -text -in), $leaf), qr/OCSP/,
        'off: no URL');
    like(said(qw(openssl ocsp -issuer), "$dir/1.pem", '-cert', $leaf, '-url',
        $url), qr/unauthorized/, 'off: unauthorized');
    $old->detach;
    $server->stop;
    run("$AcmeServer::build/acmectl", qw(ca renew --dir), $dir, '--root-key',
        "$server->{dir}/corp-root.key");
    $server->configure(
        vhost => $corp->('ACMEIssuerOCSP on next-update=90s'));
    $server->start;
    my $text = said(qw(openssl ocsp -issuer), "$dir/1.pem", '-cert', $leaf,
        '-url', $url, '-CAfile', "$dir/root.pem", '-verify_other',
        "$dir/1.pem", '-resp_text');
    like($text, qr/Response verify OK.*: good\n/s,
        'the old generation\'s, by the old generation');
    my $next = $url =~ s/[0-9a-f]{64}/fingerprint("$dir\/2.pem")/er;
    like(said(qw(openssl ocsp -issuer), "$dir/2.pem", '-cert', $leaf, '-url',
        $next), qr/unauthorized|: unknown/, 'the new one knows nothing of it');
    like(said(qw(openssl ocsp -issuer), "$dir/2.pem", '-serial', '0x1',
        '-url', $next, '-CAfile', "$dir/root.pem", '-verify_other',
        "$dir/2.pem"), qr/Response verify OK.*: unknown\n/s,
        'but has a signer, too');
}

# The ways in which it is not to differ.
sub elsewhere {
    my ($leaf) = @_;
    my $at = "$server->{base}/acme/issuer/" . fingerprint(issuer()) . '.ocsp';
    my $res = fetch($at, '--cacert', $root, '-H',
        'Content-Type: application/ocsp-request', '--data-binary',
        '@' . request($leaf));
    like(read_response($res), qr/Cert Status: good/, 'over HTTPS, too');
    my $show = run("$AcmeServer::build/acmectl", '--httpd',
        $server->command_line,
        qw(--json issuer show automatic));
    like($show, qr/"ocsp": ?"\Q$url\E"/, 'acmectl issuer show');
}

leaves();
my ($good, $bad) = states();
by_get($good, $bad);
junk(issue('a.test'));
elsewhere(issue('a.test'));
stapled();
nothing_left($bad);
issuers();
$server->stop;
done_testing;
