#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Lists of revoked certificates as openssl and curl see them: made at once after
# a revocation, renewed in time, served without key and without database.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use IO::Socket::INET;
use MIME::Base64 qw(decode_base64 encode_base64url);
use POSIX qw(strftime);
use Test::More;
use Time::HiRes qw(sleep);

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

sub run { AcmeClient::run(@_) }

# What a command says, whatever it returns.
sub said { return run('sh', '-c', '"$@" 2>&1; true', 'sh', @_) }

sub file {
    my ($name, $text) = @_;
    AcmeServer::write_file("$c->{dir}/$name", $text);
    return "$c->{dir}/$name";
}

sub issue { return $c->certificate($responder, @_) }

sub leaf_text {
    my ($pem) = @_;
    return run(qw(openssl x509 -noout -text -in), file('leaf.pem', $pem));
}

sub revoke {
    my ($pem, $reason, $client) = @_;
    my ($leaf) = $pem =~ /-----BEGIN[^\n]*\n(.*?)-----END/s;
    my $res = ($client || $c)->post($c->endpoints->{revokeCert}, {
        certificate => encode_base64url(decode_base64($leaf)),
        $reason < 0 ? () : (reason => $reason) });
    is($res->{status}, 200, 'revoked');
}

sub issuer { return "$ca/issuing-1.pem" }

sub fingerprint {
    return lc run(qw(openssl x509 -noout -fingerprint -sha256 -in), issuer())
        =~ s/.*=|[:\n]//gr;
}

my $url = "$http/issuer/" . fingerprint() . '.crl';

# {status, headers, body}
sub fetch {
    my ($at, @options) = @_;
    return $c->parse(split(/(?<=\r\n\r\n)/, run('curl', '-si', @options, $at),
        2));
}

sub header { return AcmeClient::header(@_) }

sub crl_text {
    my ($der) = @_;
    return run(qw(openssl crl -inform DER -noout -text -in),
        file('list.der', $der));
}

# The list's number, -1 while there is none.
sub number {
    my $res = fetch($url);
    return -1 if $res->{status} != 200;
    my ($number) = crl_text($res->{body}) =~ /CRL Number: *\n *(\w+)/;
    return $number =~ /^0x/i ? hex $number : $number;
}

# Wait until the list's number is that high.
sub reached {
    my ($want, $seconds) = @_;
    return AcmeServer::wait_for($seconds || 30, sub {
        sleep 0.3;
        return number() >= $want ? 1 : undef;
    });
}

# openssl's verdict on the certificate, by the list that is served.
sub verdict {
    my ($pem) = @_;
    run(qw(openssl crl -inform DER -out), "$c->{dir}/list.pem", '-in',
        file('list.der', fetch($url)->{body}));
    return said(qw(openssl verify -x509_strict -crl_check -CAfile),
        "$ca/root.pem", '-untrusted', issuer(), '-CRLfile',
        "$c->{dir}/list.pem", file('leaf.pem', $pem));
}

sub first_list {
    ok(reached(1),
        'there is a list before anybody asks for a certificate');
    my $res = fetch($url);
    is(header($res, 'content-type'), 'application/pkix-crl', 'its type');
    my $text = crl_text($res->{body});
    like($text, qr/Version 2.*No Revoked Certificates/s, 'version 2, empty');
    like($text, qr/Issuing Distribution Point: critical\s+Only User Cert/,
        'about leaves');
    like($text, qr/Authority Key Identifier/, 'by which key');
    like(said(qw(openssl crl -inform DER -noout -in), "$c->{dir}/list.der",
        '-CAfile', issuer()), qr/verify OK/, 'signed by the issuer');
}

sub leaves {
    my $text = leaf_text(issue('a.test'));
    my $base = $url =~ s/crl$//r;
    like($text, qr/Distribution Points:\s+Full Name:\s+URI:\Q$url\E\n/,
        'CRL distribution point: where the list is');
    like($text, qr/CA Issuers - URI:\Q${base}cer\E\n/,
        'AIA: where the issuer is');
    like($text, qr/OCSP - URI:\Q${base}ocsp\E\n/, '… where OCSP is');
    is(run(qw(openssl x509 -inform DER -in),
        file('issuer.der', fetch("${base}cer")->{body})),
        run(qw(openssl x509 -in), issuer()), 'and there it is');
}

sub revocation {
    my ($good, $bad) = map { issue($_) } 'a.test', 'b.test';
    like(verdict($bad), qr/: OK/, 'good before');
    my $before = number();
    revoke($bad, 1);
    ok(reached($before + 1),
        'a new list at once');
    is(number(), $before + 1, 'the next number');
    like(verdict($bad), qr/certificate revoked/, 'openssl verify -crl_check');
    like(verdict($good), qr/: OK/, 'others stay good');
    like(crl_text(fetch($url)->{body}), qr/Key Compromise/, 'T75 the reason');
    revoke(issue('c.test'), -1);
    ok(reached($before + 2), 'another');
    my @reasons = crl_text(fetch($url)->{body}) =~ /Reason Code/g;
    is(@reasons, 1, 'T75 no reason, no reasonCode');
}

sub entries { return scalar(() = crl_text(fetch($url)->{body}) =~ /Serial/g) }

# Many at once: one job, and the list is complete soon.
sub burst {
    my @all = map { issue($_) } map { ("$_.test") x 2 } qw(a b c d);
    my ($number, $entries) = (number(), entries());
    revoke($_, 4) for @all;
    ok(AcmeServer::wait_for(10, sub {
        return entries() == $entries + @all || undef;
    }), 'a burst: all in the list');
    cmp_ok(number(), '<=', $number + @all, 'not more lists than revocations');
    ok(AcmeServer::wait_for(10, sub {
        return sql($server, "SELECT count(*) FROM jobs WHERE kind = 'crl'")
            =~ /^0/ || undef;
    }), 'and nothing is left to do');
    $number = number();
    $c->detach;
    $server->stop;
    $server->start;
    delete $c->{nonce};
    is(number(), $number, 'a restart makes no other list');
    revoke(issue("a.test"), 4);
    ok(reached($number + 1), 'and the numbers go on');
}

# Whoever is to make the list may die.
sub killed {
    my @all = map { issue("$_.test") } qw(a b c d a b);
    my ($entries, $client) = (entries(), $c->another(sturdy => 30));
    for (@all) {
        revoke($_, 4, $client);
        my @pids = $server->children;
        kill 'KILL', $pids[rand @pids] if @pids;
    }
    $client->detach;
    ok(AcmeServer::wait_for(40, sub {
        return entries() == $entries + @all || undef;
    }), 'H11 children are killed: all in the list');
}

# Another list of the same second is another one: whoever has nothing but the
# date of the first must get it (RFC 9110 8.8.2.2).
sub dates {
    my ($second) = @_;
    my $file = "$server->{state}/pub/" . fingerprint() . '.crl';
    utime $second, $second, $file or die "$file: $!";
    return map { strftime('%a, %d %b %Y %T GMT', gmtime $_) } $second,
        $second + 1;
}

# Both work for the same base: the list is of use to caches.
sub caching {
    my ($early, $late) = dates(time - 60);
    for my $at ($url, "$server->{base}/acme/issuer/" . fingerprint() . '.crl')
    {
        my @ca  = ('--cacert', "$ca/root.pem");
        my $res = fetch($at, @ca);
        my $how = $at =~ s/:.*//r;
        my ($tag, $date) = map { header($res, $_) } 'etag', 'last-modified';
        like($tag, qr/^"\w{32}"$/, "$how: ETag");
        like($date, qr/GMT$/, "$how: Last-Modified");
        is(header($res, 'cache-control'), 'public, max-age=300',
            "$how: Cache-Control");
        is(@{ $res->{headers}{etag} }, 1, "$how: one ETag");
        my $again = fetch($at, @ca, '-H', "If-None-Match: $tag");
        is($again->{status}, 304, "$how: 304 by ETag");
        is($again->{body}, '', "$how: and nothing in it");
        is(header($again, 'etag'), $tag, "$how: but the ETag");
        is($date, $late, "$how: the next second's date");
        is(fetch($at, @ca, '-H', "If-Modified-Since: $date")->{status}, 304,
            "$how: 304 by date");
        is(fetch($at, @ca, '-H', "If-Modified-Since: $early")->{status}, 200,
            "$how: 200 for that of its own second");
        is(fetch($at, @ca, '-H', 'If-None-Match: "x"')->{status}, 200,
            "$how: 200 for another ETag");
        is(fetch($at, @ca, '-I')->{status}, 200, "$how: HEAD");
    }
    is(fetch($url, '-d', 'x')->{status}, 405, 'POST');
    is(fetch("$http/issuer/" . ('0' x 64) . '.crl')->{status}, 404,
        'of nobody');
    for (qw(../../../db/acme.db ..%2f..%2fdb%2facme.db .lock .new)) {
        like(fetch("$http/issuer/$_", '--path-as-is')->{status}, qr/^40[04]$/,
            "nothing but lists: not $_");
    }
}

sub acmectl {
    return said("$AcmeServer::build/acmectl", '--httpd',
        $server->command_line, @_);
}

sub root_url {
    my $print = lc run(qw(openssl x509 -noout -fingerprint -sha256 -in),
        "$ca/root.pem") =~ s/.*=|[:\n]//gr;
    return "$http/issuer/$print.crl";
}

# Both lists, as curl and openssl want them.
sub lists {
    my $all = '';
    for my $at ($url, root_url()) {
        $all .= run(qw(openssl crl -inform DER -in),
            file('list.der', fetch($at)->{body}));
    }
    return file('all.pem', $all);
}

sub whole_chain {
    my ($pem) = @_;
    return said(qw(openssl verify -x509_strict -crl_check_all -CAfile),
        "$ca/root.pem", '-untrusted', issuer(), '-CRLfile', lists(),
        file('leaf.pem', $pem));
}

sub reload {
    $c->detach;
    $server->stop;
    $server->start;
    delete $c->{nonce};
}

# Made at the first start; the next by acmectl, which revokes intermediates.
sub root {
    my $pem = issue('a.test');
    my $res = fetch(root_url());
    is($res->{status}, 200, 'the root has a list');
    is(header($res, 'content-type'), 'application/pkix-crl', 'its type');
    unlike(crl_text($res->{body}), qr/Distribution Point/, '… about all');
    is(fetch(root_url() =~ s/^http:.*?acme/$server->{base}\/acme/r, '--cacert',
        "$ca/root.pem")->{body}, $res->{body}, '… by https, too');
    like(whole_chain($pem), qr/: OK/, 'openssl verify -crl_check_all');
    like(acmectl(qw(--json ca crl)), qr/"number": ?2\b/, 'acmectl ca crl');
    my $kept = AcmeServer::read_file("$ca/root.crl");
    like(acmectl(qw(ca crl --revoke), issuer(), qw(--reason superseded)),
        qr/entries +1\b/, 'an intermediate is revoked');
    reload();
    like(crl_text(fetch(root_url())->{body}),
        qr/CRL Number: *\n *3\b.*Superseded/s, 'after a reload all see that');
    like(whole_chain($pem), qr/certificate revoked/, '… and openssl');
    like(acmectl(qw(ca crl --next-update 30d)), qr/entries +1\b/,
        'the next list has it still');
    AcmeServer::write_file("$ca/root.crl", $kept);
    reload();
}

# curl wants a list from everybody in the chain.
sub curl {
    my ($pem, $key) = ($c->certificate($responder, 'd.test'),
        "$c->{dir}/cert.key");
    my $port = AcmeServer::free_port();
    my $pid = site($port, $pem, $key);
    my $get = sub {
        return said('curl', '-sS', '--cacert', "$ca/root.pem", '--crlfile',
            lists(), '--resolve', "d.test:$port:127.0.0.1",
            "https://d.test:$port/");
    };
    like($get->(), qr/Ciphers supported/, 'curl --crlfile takes a good one');
    my $before = number();
    revoke($pem, 4);
    ok(reached($before + 1), 'a new list');
    like($get->(), qr/certificate revoked/, 'curl --crlfile refuses it then');
    kill 'TERM', $pid;
    waitpid $pid, 0;
}

# A TLS server with this certificate.
sub site {
    my ($port, $pem, $key) = @_;
    my $chain = file('chain.pem', $pem);
    my $pid = fork // die;
    if (!$pid) {
        open STDOUT, '>', '/dev/null';
        open STDERR, '>', '/dev/null';
        open STDIN,  '<', '/dev/null';
        exec qw(openssl s_server -www -accept), "127.0.0.1:$port", '-cert',
            $chain, '-cert_chain', $chain, '-key', $key;
    }
    AcmeServer::wait_for(10, sub {
        IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port") });
    return $pid;
}

sub nothing_left {
    my $list = fetch($url)->{body};
    my $cer  = fetch($url =~ s/crl$/cer/r)->{body};
    $c->detach;
    $server->stop;
    my $db = "$server->{state}/db";
    rename $db, "$db.away";
    mkdir $db, 0700;
    chown((stat "$db.away")[4, 5], $db);
    rename "$ca/issuing-1.key", "$ca/issuing-1.away";
    rename "$ca/root.key", "$ca/root.away";
    rename "$ca/issuing-1.pem", "$ca/issuing-1.gone";
    $server->start;
    is(fetch($url)->{body}, $list,
        'without key, certificate and database: the list');
    is(fetch($url =~ s/crl$/cer/r)->{body}, $cer, '… and the certificate');
    $server->stop;
    rename "$ca/issuing-1.$_->[0]", "$ca/issuing-1.$_->[1]"
        for ['away', 'key'], ['gone', 'pem'];
    rename "$ca/root.away", "$ca/root.key";
    run('rm', '-rf', $db);
    rename "$db.away", $db;
}

# Two machines with one CA and one database: whichever makes a list, both serve
# it.
sub fleet {
    my $other = AcmeServer->new(http01_port => $responder->{port},
        vhost => "ACMEDatabase sqlite3 $server->{state}/db/acme.db");
    my $at = $url =~ s/:\d+/:$other->{http_port}/r;
    my $same = sub {
        sleep 0.3;
        return fetch($at)->{body} eq fetch($url)->{body} ? 1 : undef;
    };
    mkdir $other->{state};
    run('cp', '-a', $ca, "$other->{state}/ca");
    $other->start;
    ok(AcmeServer::wait_for(30, $same), 'another machine: the same list');
    my ($pem, $number) = (issue('a.test'), number());
    revoke($pem, 1);
    ok(reached($number + 1), 'a new one after a revocation');
    ok(AcmeServer::wait_for(40, $same), 'and there, too');
    $other->stop;
}

# A list that lives for minutes is renewed without a request.
sub renewal {
    my $dir = "$server->{dir}/corp";
    run("$AcmeServer::build/acmectl", qw(ca init --name Corp --dir), $dir,
        '--root-key', "$server->{dir}/corp-root.key");
    $server->configure(vhost => "<ACMEIssuer corp>\nACMEIssuerDirectory $dir\n"
        . "ACMEIssuerCRL on next-update=60s\n</ACMEIssuer>\n"
        . "<ACMEProfile web>\nACMEProfileIssuer corp\n"
        . "ACMEProfileEnrollment acme\n</ACMEProfile>");
    $server->start;
    my $print = lc run(qw(openssl x509 -noout -fingerprint -sha256 -in),
        "$dir/1.pem") =~ s/.*=|[:\n]//gr;
    $url = "$http/issuer/$print.crl";
    ok(reached(1), 'a list of corp\'s');
    is(header(fetch($url), 'cache-control'), 'public, max-age=6',
        'not to be kept for long');
    my $first = number();
    ok(reached($first + 1, 70),
        'renewed well before nextUpdate, with nobody asking');
    like(run("$AcmeServer::build/acmectl", '--httpd', $server->command_line,
        qw(--json crl list)),
        qr/"issuer": ?"corp".*"status": ?"good"/s, 'acmectl crl list');
    my $list = sql($server, 'SELECT kind FROM events WHERE kind LIKE "crl%"');
    like($list, qr/crl\.sign/, 'the audit trail tells of it');
}

first_list();
leaves();
revocation();
burst();
killed();
caching();
fleet();
root();
curl();
nothing_left();
renewal();
$server->stop;
done_testing;
