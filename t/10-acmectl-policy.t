#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# acmectl policy explain says what the server says: each case is asked of both.

use strict;
use warnings;
use FindBin;
use JSON::PP ();
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeCheck;
use AcmeClient;
use AcmeOperator;
use AcmeServer;
use AcmeWire;

my $dir = AcmeServer::tempdir();
my $blocked = AcmeClient::make_key('ec256', "$dir/blocked.pem");
AcmeClient::run('sh', '-c', 'openssl pkey -in "$1" -pubout -outform DER |'
    . ' openssl dgst -sha256 -r | cut -c1-64 >"$2"', 'sh', $blocked,
    "$dir/blocklist");
my $server = AcmeServer->new(vhost => <<"EOT")->start;
ACMEKeyBlocklist $dir/blocklist
<ACMEPolicy corp>
    ACMEPolicySAN dns allow *.corp.test **.apps.test deny secret.corp.test
    ACMEPolicySubject O allow "Example Corp"
    ACMEPolicyKey ec:P-256 rsa:3072-4096
    ACMEPolicyNetwork dmz.corp.test requested-from=10.0.0.0/8
    ACMEPolicyMaxValidity 30d
</ACMEPolicy>
<ACMEProfile web>
    ACMEProfilePolicy corp
    ACMEProfileValidity 7d
    ACMEProfileExternalAccount optional
    ACMEProfileEnrollment acme
</ACMEProfile>
<ACMEProfile bare>
    ACMEProfileEnrollment acme
    ACMEProfileExternalAccount required
</ACMEProfile>
EOT
my ($code, $text, $errors);

# Problems without what is different between a document and an explanation.
sub words {
    my (@problems) = @_;
    return join "\n", map {
        join ' ', $_->{type}, $_->{detail},
            map { $_->{detail} } @{ $_->{subproblems} || [] }
    } @problems;
}

sub said {
    my (@args) = @_;
    ($code, $text, $errors) = acmectl($server, '--json', 'policy', 'explain',
        '--profile', 'web', @args);
    return eval { JSON::PP::decode_json($text) } || {};
}

sub client {
    my ($profile, $key) = @_;
    my $client = AcmeWire->new(server => $server, key => 'ec256');
    $client->{directory} = "$server->{base}/acme/$profile/directory";
    $client->register($key
        ? (externalAccountBinding => binding($client, $key)) : ());
    return $client;
}

my $client = client('web');

subtest 'newOrder' => sub {
    for (
        ['a.corp.test'],
        ['a.corp.test', 'x.y.apps.test'],
        ['corp.test'],
        ['a.b.corp.test'],
        ['secret.corp.test', 'a.corp.test', 'www.example.com'],
        ['*.corp.test'],
        ['a..corp.test'],
        ['dmz.corp.test'],
        ['A.Corp.Test', 'a.corp.test'],
    ) {
        my $what = "@$_";
        my $res = $client->order(@$_);
        my $said = said('--from', '127.0.0.1',
            map { ('--name', $_) } @$_);
        if ($res->{status} == 201) {
            is($code, 0, "$what: allowed: 0") or diag $text;
            is($said->{verdict}, 'allowed', 'and says so');
        }
        else {
            is($code, 4, "$what: refused: 4");
            is(words(grep { $_->{step} eq 'newOrder' }
                @{ $said->{problems} }), words($res->{json}),
                'in the same words');
        }
    }
    my $said = said(map { ('--name', "a$_.corp.test") } 1 .. 101);
    is($code, 4, 'too many names: 4');
    like(words(@{ $said->{problems} }), qr/malformed .*101/, 'and says so');
    said('--name', 'dmz.corp.test');
    is($code, 0, 'without --from no network is looked at: 0');
};

# A CSR of these arguments of `openssl req`.
sub csr {
    my ($key, $subject, @sans) = @_;
    AcmeClient::run('openssl', 'req', '-new', '-key', $key, '-subj', $subject,
        (@sans ? ('-addext', 'subjectAltName=' . join ',', @sans) : ()),
        '-out', "$dir/csr.pem");
    AcmeClient::run('openssl', 'req', '-in', "$dir/csr.pem", '-outform', 'DER',
        '-out', "$dir/csr.der");
    return "$dir/csr.pem";
}

subtest 'finalize' => sub {
    my $free = client('bare', eab($server, '--profile', 'bare', '--allow',
        '*.corp.test', '--skip-validation'));
    my %key = map { ($_ => AcmeClient::make_key($_, "$dir/$_.pem")) }
        qw(ec256 ec384 rsa2048);
    my @cases = (
        ['as it should be', $key{ec256}, '/CN=a.corp.test', 'DNS:a.corp.test'],
        ['only a CN', $key{ec256}, '/CN=a.corp.test'],
        ['a subject that nobody allows', $key{ec256}, '/O=Evil/L=X',
            'DNS:a.corp.test', 'email:a@corp.test'],
        ['a blocked key', $blocked, '/', 'DNS:a.corp.test'],
        ['the key of an account', $client->{key_file}, '/', 'DNS:a.corp.test'],
    );
    for (@cases) {
        my ($what, @how) = @$_;
        my $file = csr(@how);
        my $order = $free->order('a.corp.test')->{json};
        my $der = MIME::Base64::encode_base64url(
            AcmeServer::read_file("$dir/csr.der"));
        my $res = $free->post($order->{finalize}, { csr => $der });
        my $said = said('--profile', 'bare', '--csr', $file);
        if ($res->{status} == 200) {
            is($code, 0, "$what: allowed: 0") or diag $text;
            is($said->{commonName}, 'a.corp.test', 'and what is approved');
        }
        else {
            is($code, 4, "$what: refused: 4");
            is(words(grep { $_->{step} eq 'finalize' }
                @{ $said->{problems} }), words($res->{json}),
                'in the same words');
        }
    }
    csr($key{rsa2048}, '/O=Example Corp', 'DNS:a.corp.test');
    my $said = said('--csr', "$dir/csr.der");
    is($code, 4, 'a key that the policy does not have: 4');
    like(words(@{ $said->{problems} }), qr/badCSR.*3072/s, 'and says so');
    csr($key{ec256}, '/O=Example Corp', 'DNS:a.corp.test', 'DNS:b.corp.test');
    $said = said('--csr', "$dir/csr.der");
    is($code, 0, 'DER, two names: 0') or diag $text;
    is($said->{identifiers}, 'dns:a.corp.test dns:b.corp.test', 'its names');
    is_deeply($said->{subject}, ['O=Example Corp'], 'its subject');
    $said = said('--csr', "$dir/csr.der", '--name', 'a.corp.test');
    is($code, 4, 'for an order of other names: 4');
    like(words(@{ $said->{problems} }), qr/b\.corp\.test/, 'and says so');
};

subtest 'external account keys' => sub {
    my $key = eab($server, '--profile', 'web', '--allow', 'a.corp.test',
        '--from', '127.0.0.0/8');
    my $bound = client('web', $key);
    my $res = $bound->order('b.corp.test');
    my $said = said('--name', 'b.corp.test', '--key', $key->{kid});
    is($code, 4, 'a name that the key does not allow: 4');
    is(words(@{ $said->{problems} }), words($res->{json}),
        'in the same words');
    like("@{ $said->{notes} }", qr/no --from/, 'networks need --from');
    said('--name', 'a.corp.test', '--key', $key->{kid}, '--from',
        '127.0.0.1');
    is($code, 0, 'one that it allows: 0');
    $said = said('--name', 'a.corp.test', '--key', $key->{kid}, '--from',
        '10.0.0.1');
    is($code, 4, 'from elsewhere: 4');
    like(words(@{ $said->{problems} }), qr/127\.0\.0\.0/, 'and says so');
    acmectl($server, 'eab', 'suspend', $key->{kid});
    $said = said('--name', 'a.corp.test', '--key', $key->{kid});
    is($code, 4, 'suspended: 4');
    is(words(@{ $said->{problems} }),
        words($bound->get($bound->{kid})->{json}), 'in the same words');
    $said = said('--profile', 'bare', '--name', 'a.corp.test', '--key',
        $key->{kid});
    like(words(@{ $said->{problems} }), qr/externalAccountRequired/,
        'and of another profile than this');
    said('--name', 'a.corp.test', '--key', 'x' x 22);
    is($code, 3, 'no such key: 3');
};

subtest 'for people, and wrong command lines' => sub {
    ($code, $text) = acmectl($server, 'policy', 'explain', '--profile', 'web',
        '--name', 'a.corp.test', '--name', 'evil.example', '--name',
        'secret.corp.test');
    is($code, 4, 'refused: 4');
    like($text, qr/^verdict +refused$/m, 'the verdict');
    like($text, qr/^newOrder +rejectedIdentifier: /m, 'the problem');
    like($text, qr/^ +"\Q$_\E" is refused: /m, "why $_")
        for qw(evil.example secret.corp.test);
    for (
        [2, qr/one of: web bare/, '--name', 'a.test'],
        [2, qr/--name/, '--profile', 'web'],
        [3, qr/there are: web bare/, '--profile', 'x', '--name', 'a.test'],
        [1, qr/--csr .*cannot be read/, '--profile', 'web', '--csr', '/x'],
        [1, qr/--csr .*no CSR in it/, '--profile', 'web', '--csr',
            "$dir/blocklist", '--name', 'a.corp.test'],
        [2, qr/--from is an address/, '--profile', 'web', '--name', 'a.test',
            '--from', '10.0.0.0/8'],
    ) {
        my ($want, $like, @args) = @$_;
        ($code, undef, $errors) = acmectl($server, 'policy', 'explain', @args);
        is($code, $want, "policy explain @args: $want");
        like($errors, $like, 'and why');
    }
};

subtest 'list and show' => sub {
    my $list = acmectl_json($server, 'policy', 'list');
    is_deeply([map { [@$_{qw(name profiles)}] } @$list],
        [['corp', ['web']], ['tls-server', ['bare']]], 'policy list');
    ($code, $text) = acmectl($server, 'policy', 'show', 'corp');
    like($text, qr/^dns allow +\*\.corp\.test \*\*\.apps\.test$/m,
        'policy show has the patterns');
    like($text, qr/^dns deny +secret\.corp\.test$/m, 'what is denied');
    like($text, qr/^keys +ec:P-256 rsa:3072-4096$/m, 'the keys');
    ($code) = acmectl($server, 'policy', 'show', 'nope');
    is($code, 3, 'policy show of nothing: 3');
};

$client->detach;
$server->finish;
done_testing;
