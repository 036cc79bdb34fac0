#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Issuers: a PKI that was there before, generations in a directory, further
# chains, name constraints, an issuer that ends soon, those that are no good.
# What they sign is looked at by openssl.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use POSIX qw(strftime);
use Test::More;
use AcmeCheck;
use AcmeClient;
use AcmeOperator;
use AcmeResponder;
use AcmeServer;
use AcmeTool;
use AcmeWire;

my @ca = ('keyUsage = critical, keyCertSign, cRLSign',
    'basicConstraints = critical, CA:TRUE');
my $root   = authority('Old Root', key => 'rsa2048');
my $middle = authority('Old Policy CA', by => $root);
my $corp   = authority('Old Issuing CA', by => $middle,
    ext => ["$ca[1], pathlen:0", $ca[0]]);
my $other  = authority('Other Root');
my $cross  = authority('Old Issuing CA', same => $corp, by => $other);
my $bound  = authority('Bound CA', by => $root, ext => [@ca,
    'nameConstraints = critical, permitted;DNS:corp.test, '
    . 'excluded;DNS:secret.corp.test']);
my $short  = authority('Short CA', by => $root, to => 10);
my $over   = authority('Expired CA', by => $root, from => -20, to => -1);
my $leaf   = authority('leaf.test', by => $root, ext => []);
my $dir    = AcmeServer::tempdir();

# A file with these texts.
sub file {
    my ($name, @pem) = @_;
    AcmeServer::write_file("$dir/$name", join '', @pem);
    return "$dir/$name";
}

# The sections of an issuer and of the profile that has it.
sub issuer {
    my ($name, $lines) = @_;
    return "<ACMEIssuer $name>\n$lines\n</ACMEIssuer>\n<ACMEProfile $name>\n"
        . "ACMEProfileIssuer $name\nACMEProfileEnrollment acme\n"
        . "</ACMEProfile>\n";
}

sub pair {
    my ($name, $cert, $key) = @_;
    return issuer($name,
        "ACMEIssuerCertificate $cert\nACMEIssuerKey $key");
}

my $chain = file('corp.pem', map { $_->{pem} } $corp, $middle, $root);
my %bad = (
    expired  => [file('over.pem', $over->{pem}, $root->{pem}), $over->{key},
        qr/expired/],
    foreign  => [$chain, $bound->{key}, qr/does not belong/],
    gap      => [file('gap.pem', $corp->{pem}, $root->{pem}), $corp->{key},
        qr/has signed none/],
    leaf     => [file('leaf.pem', $leaf->{pem}, $root->{pem}), $leaf->{key},
        qr/is no CA cert/],
    missing  => ["$dir/none.pem", $corp->{key}, qr/none\.pem/],
    garbage  => [file('garbage.pem', "no PEM\n"), $corp->{key}, qr/garbage/],
);
my $responder = AcmeResponder->new;
my $server = AcmeServer->new(http01_port => $responder->{port},
    hosts => [qw(a.test b.test www.corp.test), 'x.secret.corp.test']);
my ($code, $text, $errors) = acmectl($server, 'ca', 'init', '--dir',
    "$dir/lan", '--name', 'Lan', '--root-key', "$dir/lan-root.key");
is($code, 0, 'acmectl ca init') or diag $errors;
my $vhost = join '', issuer('corp', "ACMEIssuerCertificate $chain\n"
        . "ACMEIssuerKey $corp->{key}\nACMEIssuerAlternate "
        . file('cross.pem', $cross->{pem}, $other->{pem})),
    issuer('lan', "ACMEIssuerDirectory $dir/lan"),
    pair('bound', file('bound.pem', $bound->{pem}, $root->{pem}),
        $bound->{key}),
    pair('short', file('short.pem', $short->{pem}, $root->{pem}),
        $short->{key}),
    map { pair($_, $bad{$_}[0], $bad{$_}[1]) } sort keys %bad;
$server->configure(vhost => $vhost);

subtest 'httpd -t warns of what is only true now' => sub {
    my ($status, $said) = $server->syntax;
    is($status, 0, 'it is no mistake') or diag $said;
    for my $name (sort keys %bad) {
        like($said, qr/issuer $name would sign nothing now: .*$bad{$name}[2]/,
            "$name");
    }
    unlike($said, qr/issuer (?:corp|lan|bound) /, 'and of nothing else');
};

$server->start;
my %client;

sub client {
    my ($name) = @_;
    my $client = $client{$name}
        ||= AcmeWire->new(server => $server, profile => $name);
    $client->register if !$client->{kid};
    return $client;
}

# A certificate of this profile; (leaf file, chain file, its URL).
sub issue {
    my ($name, @names) = @_;
    my $client = client($name);
    my $order = $client->authorize($client->order(@names)->{json}, $responder);
    my $res = $client->finalize($order, $client->csr(\@names));
    is($res->{json}{status}, 'valid', "$name: a certificate for @names")
        or diag $res->{body};
    my $url = $res->{json}{certificate} or return;
    return (parts($client->get($url)->{body}), $url);
}

my $count = 0;

sub parts {
    my ($pem) = @_;
    my ($first, @rest) = $pem =~ /(-----BEGIN.*?-----END [^\n]*\n)/sg;
    $count++;
    return (file("leaf$count", $first), file("chain$count", @rest));
}

# What openssl thinks of it with this root and no other.
sub verify_ok {
    my ($name, $root, $leaf, $chain, $host) = @_;
    my $said = eval { AcmeClient::run('openssl', 'verify', '-x509_strict',
        '-purpose', 'sslserver', '-no-CApath', '-no-CAstore', '-CAfile', $root,
        '-untrusted', $chain, '-verify_hostname', $host, $leaf) } // '';
    like($said, qr/: OK$/m, $name);
}

subtest 'a PKI that was there before' => sub {
    my ($leaf, $rest, $url) = issue('corp', 'a.test', 'b.test');
    verify_ok('its chain leads to its root', $root->{cert}, $leaf, $rest,
        'b.test');
    is(AcmeServer::read_file($rest), $corp->{pem} . $middle->{pem},
        'both CAs, in order, and no root');
    is(AcmeTool::x509($leaf, '-issuer', '-nameopt', 'RFC2253'),
        'issuer=CN=Old Issuing CA', 'the issuing CA signed it');
    my @alternates = links($client{corp}->get($url), 'alternate');
    is(scalar @alternates, 1, 'T71: there is one further chain');
    my ($again, $crossed) = parts($client{corp}->get($alternates[0])->{body});
    is(AcmeServer::read_file($again), AcmeServer::read_file($leaf),
        'of the same certificate');
    verify_ok('that leads to the other root', $other->{cert}, $again, $crossed,
        'a.test');
    my $roots = AcmeClient::run('curl', '-sf',
        "http://127.0.0.1:$server->{http_port}/acme/roots.pem");
    ok(index($roots, $root->{pem}) >= 0, 'its root is published');
};

subtest 'a directory of generations' => sub {
    my ($leaf, $rest) = issue('lan', 'a.test');
    verify_ok('acmectl\'s root', "$dir/lan/root.pem", $leaf, $rest, 'a.test');
    my $first = AcmeServer::read_file($rest);
    my ($code, undef, $errors) = acmectl($server, 'ca', 'renew', '--dir',
        "$dir/lan", '--root-key', "$dir/lan-root.key");
    is($code, 0, 'acmectl ca renew') or diag $errors;
    $_->detach for values %client;
    reload($server);
    ($leaf, $rest) = issue('lan', 'b.test');
    isnt(AcmeServer::read_file($rest), $first, 'the new one signs');
    verify_ok('below the same root', "$dir/lan/root.pem", $leaf, $rest,
        'b.test');
};

subtest 'name constraints' => sub {
    my ($leaf, $rest) = issue('bound', 'www.corp.test');
    verify_ok('a name inside', $root->{cert}, $leaf, $rest, 'www.corp.test');
    my $client = client('bound');
    refused($client->order('a.test'), 403, 'rejectedIdentifier',
        'a name outside', qr/corp\.test/);
    my $res = $client->order('a.test', 'www.corp.test', 'x.secret.corp.test');
    refused($res, 403, 'rejectedIdentifier', 'two of three',
        qr/secret\.corp\.test/);
    is(join(' ', sort map { $_->{identifier}{value} }
        @{ $res->{json}{subproblems} }), 'a.test x.secret.corp.test',
        'a subproblem for each of them');
};

subtest 'an issuer that ends before its certificates would' => sub {
    my ($leaf) = issue('short', 'a.test');
    my $end = sub { (AcmeTool::x509($_[0], '-enddate') =~ /=(.*)/)[0] };
    is($end->($leaf), $end->($short->{cert}), 'they end with it');
    like($server->log, qr/AS0310: .*is clamped to the end of issuer short/,
        'and the log tells');
    like($server->log, qr/AS0418: issuer short: .*ends at/,
        'as it did at the start');
    local $client{short}{wish} = { notAfter =>
        strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time + 11 * 86400)) };
    refused($client{short}->order('a.test'), 400, 'malformed',
        'T50: but who wishes more is refused', qr/issuer/);
};

subtest 'issuers that are no good' => sub {
    for my $name (sort keys %bad) {
        like($server->log, qr/:crit\] .*AS0416: issuer $name of localhost/,
            "$name: one line in the log");
        my $res = client($name)->order('a.test');
        refused($res, 503, 'serverInternal', $name, $bad{$name}[2]);
        unlike($res->{body}, qr{\Q$dir\E|; (?:put|replace)},
            'the reason, and nothing that is the operator\'s');
        ok(AcmeClient::header($res, 'retry-after'), 'T30: Retry-After');
    }
    AcmeServer::write_file("$dir/none.pem", AcmeServer::read_file($chain));
    my $order = client('corp')->order('a.test')->{json};
    $_->detach for values %client;
    reload($server);
    my ($leaf, $rest) = issue('missing', 'a.test');
    verify_ok('mended by a reload', $root->{cert}, $leaf, $rest, 'a.test');
};

subtest 'an issuer that breaks between newOrder and finalize' => sub {
    my $client = client('corp');
    my $order = $client->authorize($client->order('a.test')->{json},
        $responder);
    $_->detach for values %client;
    rename $chain, "$chain.off";
    reload($server);
    my $res = $client->finalize($order, $client->csr(['a.test']));
    is($res->{status}, 503, 'T61: 503');
    is($client->get($order->{self})->{json}{status}, 'ready',
        'the order stays ready');
    rename "$chain.off", $chain;
    $_->detach for values %client;
    reload($server);
    $res = $client->finalize($order, $client->csr(['a.test']));
    is($res->{json}{status}, 'valid', 'and is issued when it is mended');
};

$_->detach for values %client;
$server->finish(qr{AS041[678]: issuer}, qr/AS0\d+: .*503|serverInternal/);
done_testing;
