#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# acmectl check: what stands between a name and its validation, before a client
# tries.

use strict;
use warnings;
use FindBin;
use JSON::PP ();
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeClient;
use AcmeOperator;
use AcmeResponder;
use AcmeServer;
use AcmeWire;
use FakeDNS;

# CAA: a critical flag, then a tag and its value.
sub caa { return pack 'C C/a* a*', 0, 'issue', $_[0] }

my $dns = FakeDNS->new(names => {
    'here.corp.test'   => ['127.0.0.1'],
    'meta.corp.test'   => ['169.254.169.254'],
    'mixed.corp.test'  => ['169.254.1.1', '127.0.0.1'],
    'closed.corp.test' => ['127.0.0.9'],
    'mute.corp.test'   => 'HANG',
    'sick.corp.test'   => 'SERVFAIL',
    'txt.corp.test'    => { TXT => ['no'] },
    'caa.corp.test'    => { A => ['127.0.0.1'], CAA => [caa('other.test')] },
    'ours.corp.test'   => { A => ['127.0.0.1'], CAA => [caa('ca.test')] },
    'bound.dmz.test'   => ['127.0.0.1'],
    '_acme-challenge.txt.corp.test'  => { TXT => ['an old one'] },
    '_acme-challenge.sick.corp.test' => 'SERVFAIL',
});
my $responder = AcmeResponder->new;
my $closed    = AcmeServer::free_port();
my $server    = AcmeServer->new(vhost => <<"EOT")->start;
ACMEResolver @{[$dns->server]}
ACMEResolverAuthoritative off
ACMEValidationTimeout 3s
ACMEValidationPort http-01 $responder->{port}
ACMEValidationPort tls-alpn-01 $closed
ACMECAAIdentity ca.test
<ACMEPolicy corp>
    ACMEPolicySAN dns allow **.corp.test **.dmz.test wildcard:*.corp.test
    ACMEPolicyNetwork **.dmz.test resolves-to=10.0.0.0/8
</ACMEPolicy>
<ACMEProfile web>
    ACMEProfilePolicy corp
    ACMEProfileEnrollment acme
</ACMEProfile>
<ACMEProfile files>
    ACMEProfilePolicy corp
    ACMEProfileEnrollment acme
    ACMEProfileChallenges http-01
    ACMEProfileCAA on
</ACMEProfile>
<ACMEProfile free>
    ACMEProfilePolicy corp
    ACMEProfileEnrollment acme
    ACMEProfileExternalAccount required
    ACMEProfileValidation off
</ACMEProfile>
EOT
my ($code, $text, $errors, $said);

# (exit code, the answer, the method's part of it) of check with --json.
sub check {
    my ($want, $what, @args) = @_;
    push @args, '--profile', 'web' if !grep { $_ eq '--profile' } @args;
    ($code, $text, $errors) = acmectl($server, '--json', 'check', @args);
    is($code, $want, "$what: $want") or diag $text, $errors;
    $said = eval { JSON::PP::decode_json($text) } || {};
    return $said->{methods}[0] || {};
}

subtest 'http-01: reached' => sub {
    my $got = check(0, 'no file', 'here.corp.test', '--http-01');
    is($got->{says},
        'reached, answered 404: a client\'s file would be asked for here',
        'a 404 is a fine answer');
    is($got->{status}, 404, 'its status');
    is($got->{address}, '127.0.0.1', 'its address');
    like($got->{seen}, qr/status 404, body is empty/, 'what was seen');
    is($said->{verdict}, 'a validation could work', 'the verdict');
    like($said->{resolver}, qr/\Q$dns->{address}\E/, 'the resolver');
    is_deeply($said->{addresses}, [{ address => '127.0.0.1',
        allowed => JSON::PP::true, deniedBy => undef }], 'the address');
    my ($asked) = $responder->requests;
    like($asked->[1], qr{^/\.well-known/acme-challenge/[\w-]{32}$},
        'where a client\'s file would be');
    my $conf = $said->{configuration};
    is_deeply($conf->{ACMEResolver}, [$dns->{address} . '@' . $dns->{port}],
        'ACMEResolver');
    is_deeply($conf->{ACMEValidationAllow}, ['127.0.0.0/8'],
        'ACMEValidationAllow');
    like($conf->{ACMEValidationPort}, qr/http-01 $responder->{port}/,
        'ACMEValidationPort');
    is($conf->{ACMEValidationTimeout}, '3000ms', 'ACMEValidationTimeout');
    $responder->put('any', "x\r\n\r\n");
    $got = check(0, 'another file', 'here.corp.test', '--http-01');
    like($got->{says}, qr/^reached, answered 200: /, 'is reached, too');
    unlink "$responder->{dir}/any";
};

subtest 'http-01: an answer that no client could help' => sub {
    my $answer = AcmeResponder->new(port => $responder->{port},
        address => '127.0.0.9');
    my $got = check(0, 'there', 'closed.corp.test', '--http-01');
    is($got->{address}, '127.0.0.9', 'the other responder');
    $answer->thumbprint("HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n");
    $got = check(4, 'a locked door', 'closed.corp.test', '--http-01');
    is($got->{says}, 'reached, but answered 403 where a client\'s file would '
        . 'be asked for', 'is no good answer');
    $answer->stop;
    $got = check(4, 'gone', 'closed.corp.test', '--http-01');
    is($got->{says}, 'not reached', 'nobody listens');
    like($got->{seen}, qr/127\.0\.0\.9 port \d+: connection refused/, 'why');
    ok(!$got->{reached}, 'and for programs');
};

subtest 'addresses that must not be dialled' => sub {
    my $got = check(4, 'metadata', 'meta.corp.test', '--http-01');
    is_deeply($said->{addresses}, [{ address => '169.254.169.254',
        allowed => JSON::PP::false,
        deniedBy => '169.254.0.0/16 (built in)' }], 'which rule denies it');
    like($got->{seen}, qr/ACMEValidationAllow/, 'and what may permit it');
    check(0, 'one of two', 'mixed.corp.test', '--http-01');
    is_deeply([map { $_->{allowed} ? 1 : 0 }
        sort { $a->{address} cmp $b->{address} } @{ $said->{addresses} }],
        [1, 0], 'the rules\' verdict on each');
    $got = check(4, 'elsewhere', 'bound.dmz.test', '--http-01');
    like($got->{seen}, qr{wants bound\.dmz\.test to resolve to 10\.0\.0\.0/8},
        'the policy\'s networks');
    $got = check(4, 'elsewhere, by dns-01', 'bound.dmz.test', '--dns-01');
    like($got->{seen}, qr{bound\.dmz\.test resolves to 127\.0\.0\.1 .* wants},
        'where a record alone would not do');
    is($said->{verdict}, 'a validation would fail', 'the verdict');
    $got = check(4, 'nowhere, by dns-01', 'nobody.dmz.test', '--dns-01');
    like($got->{says}, qr/the policy wants .* no addresses/, 'and says so');
};

subtest 'no DNS' => sub {
    my $got = check(3, 'no such name', 'nobody.corp.test', '--http-01');
    is($said->{verdict}, 'the name does not resolve', 'the verdict');
    like($said->{resolverSays}, qr/NXDOMAIN|no such name|not exist/i, 'why');
    is_deeply($said->{addresses}, [], 'no address');
    is($got->{says}, 'not reached: the DNS has no answer', 'of the method');
    check(3, 'SERVFAIL', 'sick.corp.test', '--tls-alpn-01');
    check(3, 'a silent server', 'mute.corp.test', '--http-01');
    like($said->{resolverSays}, qr/in time/, 'and says so');
};

subtest 'dns-01' => sub {
    my $got = check(0, 'TXT', 'txt.corp.test', '--dns-01');
    like($got->{says}, qr/^name servers answer: there are TXT records of oth/,
        'the name servers are reached');
    like($got->{seen}, qr/_acme-challenge\.txt\.corp\.test: .*"an old one"/,
        'the TXT record that is there');
    $got = check(0, 'no TXT', '*.corp.test', '--dns-01');
    like($got->{seen}, qr/_acme-challenge\.corp\.test/, 'of a wildcard');
    $got = check(4, 'SERVFAIL', 'sick.corp.test', '--dns-01');
    ok(!$got->{works}, 'nobody answers for it');
};

subtest 'tls-alpn-01' => sub {
    my $got = check(4, 'closed', 'here.corp.test', '--tls-alpn-01');
    like($got->{seen}, qr/port $closed: connection refused/, 'the port');
    check(4, 'one of two', 'here.corp.test', '--http-01', '--tls-alpn-01');
    is_deeply([map { $_->{works} ? 1 : 0 } @{ $said->{methods} }], [1, 0],
        'all that are asked for must work');
    check(0, 'what is offered', 'here.corp.test');
    is_deeply([map { $_->{method} } @{ $said->{methods} }],
        ['http-01', 'dns-01', 'tls-alpn-01'], 'without options all are tried');
    my $port = $server->{port};
    reload($server, vhost => $server->{vhost}
        =~ s/tls-alpn-01 $closed/tls-alpn-01 $port/r);
    $got = check(0, 'a TLS server', 'here.corp.test', '--tls-alpn-01');
    like($got->{says}, qr/^reached, it speaks TLS: /, 'is reached');
    like($got->{seen}, qr{acme-tls/1}, 'what of ALPN was seen');
};

subtest 'policy, CAA, what is offered' => sub {
    check(4, 'refused', 'www.example.com', '--http-01');
    is($said->{verdict}, 'refused by the policy', 'the verdict');
    is(@{ $said->{methods} }, 1, 'the method is tried all the same');
    is($said->{policy}{problems}[0]{type},
        'urn:ietf:params:acme:error:rejectedIdentifier', 'policy explain\'s');
    my $got = check(0, 'an address', '127.0.0.1', '--http-01');
    is($got->{address}, '127.0.0.1', 'it is its own address');
    is($said->{resolver}, undef, 'nobody resolves an address');
    check(0, 'nothing to prove', 'here.corp.test', '--profile', 'free');
    is($said->{verdict}, 'allowed: names need not be proven', 'and says so');
    is_deeply($said->{methods}, [], 'nothing is tried');
    check(4, 'from elsewhere', 'a.test', '--from', '192.0.2.1');
    my @files = ('--profile', 'files');
    check(4, 'not offered', 'here.corp.test', '--tls-alpn-01', @files);
    like($said->{verdict}, qr/tls-alpn-01 is not offered/, 'and says so');
    $got = check(4, 'CAA of others', 'caa.corp.test', @files);
    like($got->{caa}, qr/^forbidden: .*caa\.corp\.test.*other\.test/, 'why');
    ok($got->{reached}, 'though it is reached');
    $got = check(0, 'CAA of ours', 'ours.corp.test', @files);
    is($got->{caa}, 'nothing forbids it', 'and says so');
    $got = check(0, 'without ACMEProfileCAA', 'caa.corp.test', '--http-01');
    is($got->{caa}, 'not looked at', 'CAA is not looked at');
};

subtest 'for an account' => sub {
    my $client = AcmeWire->new(server => $server, key => 'ec256');
    $client->{directory} = "$server->{base}/acme/web/directory";
    $client->register;
    my ($id) = $client->{kid} =~ m{([^/]+)$};
    $responder->thumbprint($client->thumbprint);
    my $got = check(0, 'its thumbprint', 'here.corp.test', '--http-01',
        '--account', $id);
    like($got->{says}, qr/^proven/, 'who answers for it by itself is proven');
    acmectl($server, 'account', 'deactivate', $id);
    check(4, 'deactivated', 'here.corp.test', '--http-01', '--account', $id);
    like($said->{policy}{problems}[0]{detail}, qr/deactivated/, 'why');
    ($code) = acmectl($server, 'check', 'here.corp.test', '--profile', 'web',
        '--account', 'x' x 22);
    is($code, 3, 'no such account: 3');
    $client->detach;
};

subtest 'for people, and wrong command lines' => sub {
    ($code, $text) = acmectl($server, 'check', 'meta.corp.test', '--http-01',
        '--profile', 'web');
    like($text, qr/^verdict +a validation would fail$/m, 'the verdict');
    like($text, qr/^policy +allowed$/m, 'the policy');
    like($text, qr/^address +\S+: denied by rule 169\.254\.0\.0\/16/m,
        'the address');
    like($text, qr/^http-01 +not reached$/m, 'the method');
    like($text, qr/^ACMEValidationAllow +127\.0\.0\.0\/8$/m,
        'the configuration');
    ($code, $text) = acmectl($server, 'check', '--help');
    is($code, 0, '--help: 0');
    like($text, qr/--$_/, "--help has --$_") for qw(http-01 dns-01 tls-alpn-01
        dns-account-01 dns-persist-01 profile account);
    for (
        [2, qr/one of: web files free/, 'a.corp.test'],
        [2, qr/wanted: NAME/, '--profile', 'web'],
        [2, qr/a\.\.test/, 'a..test', '--profile', 'web'],
        [3, qr/there are: web files free/, 'a.test', '--profile', 'x'],
    ) {
        my ($want, $like, @args) = @$_;
        ($code, undef, $errors) = acmectl($server, 'check', @args);
        is($code, $want, "check @args: $want");
        like($errors, $like, 'and why');
    }
};

$server->finish;
done_testing;
