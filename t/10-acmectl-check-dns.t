#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# acmectl check of what is proven by TXT records: dns-01 and its kin.  A record
# that is not there yet is fine, a zone that is not there is not; nor are name
# servers that should have the zone.

use strict;
use warnings;
use Digest::SHA qw(sha256);
use FindBin;
use JSON::PP ();
use lib "$FindBin::Bin/lib";
use MIME::Base64 qw(encode_base64url);
use Test::More;
use AcmeOperator;
use AcmeServer;
use AcmeWire;
use FakeDNS;

# A resolver, and name servers: two that have the zones, one that has none, and
# nobody at 127.0.0.9.
my %address = map { +"ns$_.test" => ["127.0.0.$_"] } 1, 2, 3, 9;
my %all     = (
    'corp.test'     => { NS => ['ns1.test', 'ns2.test'] },
    'half.test'     => { NS => ['ns3.test', 'ns1.test'] },
    'still.test'    => { NS => ['ns9.test', 'ns1.test'] },
    'lame.test'     => { NS => ['ns3.test'] },
    'own'           => { NS => ['ns1.test', 'ns2.test'] },
    'www.corp.test' => ['127.0.0.1'],
    '_acme-challenge.old.corp.test'   => { TXT => ['an old one'] },
    '_acme-challenge.alias.corp.test' => { CNAME => 'a.half.test' },
);
my $port  = AcmeServer::free_port();
my @zones = qw(corp.test half.test still.test own);
my @servers = map { FakeDNS->new(address => "127.0.0.$_", port => $port,
        names => \%all, zones => \@zones) } 1, 2;
my $lame = FakeDNS->new(address => '127.0.0.3', port => $port,
    zones => ['other.test']);
my $resolver = FakeDNS->new(above => ['', 'com', 'lan', 'mine', @zones],
    names => { %all, %address, 'host.lan' => ['127.0.0.1'],
    '_acme-challenge.www.lame.test' => 'SERVFAIL' });

sub vhost {
    my ($more) = @_;
    return <<"EOT";
ACMEResolver @{[$resolver->server]}
ACMEResolver mine @{[$resolver->server]}
ACMEValidationPort dns-01 $port
ACMEValidationTimeout 3s
<ACMEPolicy all>
    ACMEPolicySAN dns allow ** wildcard:*.corp.test
</ACMEPolicy>
<ACMEProfile web>
    ACMEProfilePolicy all
    ACMEProfileEnrollment acme
</ACMEProfile>
ACMEDefaultProfile web
$more
EOT
}

my $server = AcmeServer->new(vhost => vhost(''))->start;
my ($code, $text, $errors, $said);

# (exit code, the answer, the method's part of it) of check with --json.
sub check {
    my ($want, $what, @args) = @_;
    ($code, $text, $errors) = acmectl($server, '--json', 'check', @args);
    is($code, $want, "$what: $want") or diag $text, $errors;
    $said = eval { JSON::PP::decode_json($text) } || {};
    return $said->{methods}[0] || {};
}

sub fine {
    my ($what, @args) = @_;
    my $got = check(0, $what, @args);
    ok($got->{works}, "$what: works");
    is($got->{finding}, undef, "$what: no finding");
    is($said->{verdict}, 'a validation could work', "$what: verdict");
    return $got;
}

subtest 'no record yet' => sub {
    my $got = fine('no TXT', 'www.corp.test', '--dns-01');
    is($got->{says}, 'name servers answer: there is no TXT record yet, which '
        . 'is normal before an order; a client\'s would be looked for here',
        'and says so');
    is($got->{record}, '_acme-challenge.www.corp.test', 'whose');
    is($got->{zone}, 'corp.test', 'in which zone');
    is_deeply($got->{nameServers}, [map { { zone => 'corp.test',
        server => "ns$_.test", address => "127.0.0.$_",
        lame => JSON::PP::false, says => 'has the zone' } } 1, 2],
        'all its servers were asked');
    is_deeply([map { scalar grep { /_acme-challenge\.www/ } $_->questions }
        @servers], [1, 1], 'once each');
    $got = fine('others\' TXT', 'old.corp.test', '--dns-01');
    like($got->{says}, qr/there are TXT records of others/, 'and says so');
    fine('a name that does not exist', 'new.corp.test', '--dns-01');
    fine('a wildcard', '*.corp.test', '--dns-01');
    fine('a zone of one label', 'host.lan', '--dns-01');
    fine('a new name there, of name servers nearby', 'new.own', '--dns-01');
    fine('a new name there, by a resolver of its own', 'new.mine', '--dns-01');
    ($code, $text) = acmectl($server, 'check', 'www.corp.test', '--dns-01');
    like($text, qr/^  zone +corp\.test$/m, 'for people: the zone');
    like($text, qr/^  name server +ns2\.test \(127\.0\.0\.2\) of corp\.test: /m,
        'and its servers');
    unlike($text, qr/^  finding/m, 'nothing to be mended');
};

subtest 'no zone' => sub {
    my $got = check(4, 'not delegated', 'www.nosuch.com', '--dns-01');
    ok(!$got->{works}, 'cannot work');
    ok($got->{reached}, 'though somebody answers');
    is($got->{says}, 'name servers answer, but none of them has such a zone',
        'and says so');
    is($got->{finding}, 'no zone has _acme-challenge.www.nosuch.com: that of '
        . '"com" says that there is no www.nosuch.com; is it delegated?',
        'the finding');
    is($said->{verdict}, 'a validation would fail', 'the verdict');
    $got = check(4, 'unknown', 'www.nowhere', '--dns-01');
    like($got->{finding}, qr/^no zone has .*: that of the root says/,
        'the root says so');
    is($got->{zone}, '.', 'for programs');
    check(4, 'a host that is not there', 'new.lan', '--dns-01');
};

subtest 'name servers that do not have it' => sub {
    my $got = check(4, 'one of two', 'www.half.test', '--dns-01');
    ok($got->{works}, 'it could work');
    is($said->{verdict},
        'a validation could work, but something should be mended', 'but');
    is($got->{finding}, 'lame: these should have a zone and do not: ns3.test '
        . '(127.0.0.3) for half.test', 'the finding');
    is_deeply([map { [@$_{qw(server says lame)}] } @{ $got->{nameServers} }],
        [['ns3.test', 'REFUSED', JSON::PP::true],
        ['ns1.test', 'has the zone', JSON::PP::false]], 'which');
    $got = check(4, 'where an alias leads', 'alias.corp.test', '--dns-01');
    is($got->{record}, 'a.half.test', 'the alias');
    is($got->{zone}, 'half.test', 'its zone');
    is_deeply([map { "$_->{zone} $_->{server}" } @{ $got->{nameServers} }],
        ['corp.test ns1.test', 'corp.test ns2.test', 'half.test ns3.test',
        'half.test ns1.test'], 'both zones\' servers');
    $got = check(4, 'all of them', 'www.lame.test', '--dns-01');
    is($got->{says}, 'not reached: the DNS has no answer', 'nobody answers');
    like($got->{finding}, qr/^lame: .*ns3\.test/, 'and why');
    ok(!$got->{reached}, 'for programs');
    $got = fine('one is silent', 'www.still.test', '--dns-01');
    is($got->{nameServers}[0]{server}, 'ns9.test', 'which');
    isnt($got->{nameServers}[0]{says}, 'has the zone', 'and says so');
};

subtest 'methods about an account' => sub {
    my $name = 'p.corp.test';
    for (['account', 'Account'], ['persist', 'Persist']) {
        my ($word, $directive) = @$_;
        my $got = check(4, "$word: off", $name, "--dns-$word-01");
        is($said->{verdict}, "dns-$word-01 is off: see ACMEDNS$directive",
            'and says so');
        is($got->{says}, 'not tried: it is switched off on this server',
            'it is not tried');
    }
    reload($server, vhost => vhost("ACMEDNSAccount on\nACMEDNSPersist on"));
    ($code, undef, $errors)
        = acmectl($server, 'check', $name, '--dns-persist-01');
    is($code, 2, 'no account: 2');
    like($errors, qr/wants --account ID: --dns-persist-01/, 'and says so');
    check(0, 'without options', $name);
    is_deeply({ map { $_->{method} => $_->{says} } grep {
        $_->{method} =~ /^dns-\w+-01/ } @{ $said->{methods} } },
        { map { +"dns-$_-01" => 'not tried: it is about an account; see '
            . '--account' } qw(account persist) }, 'they are named');

    my $client = AcmeWire->new(server => $server);
    $client->register;
    my ($id) = $client->{kid} =~ m{([^/]+)$};
    my @for = ('--account', $id);
    my $got = fine('account', $name, '--dns-account-01', @for);
    like($got->{record}, qr/^_[a-z2-7]{16}\._acme-challenge\.p\.corp\.test$/,
        'its own name');
    my @persist = ('--dns-persist-01', @for);
    $got = check(4, 'no record that stays', $name, @persist);
    is($got->{says}, 'name servers answer, but there is no TXT record; it must '
        . 'be there before an order', 'and says so');
    my $value = "localhost; accounturi=$server->{base}/acme/account-hash/"
        . 'sha-256/' . encode_base64url(sha256(pack 'C/a* a* a*', $name,
            $client->thumbprint, $client->{kid}));
    like($got->{seen}, qr/Expected: "\Q$value\E"/, 'and which');
    my $put = sub {
        $_->put("_validation-persist.$name", { TXT => [@_] })
            for @servers, $resolver;
    };
    $put->(substr($value, 0, -1) . 'x');
    $got = check(4, 'another account\'s', $name, @persist);
    is($got->{says}, 'name servers answer, but no TXT record there allows this '
        . 'account to have it', 'and says so');
    $put->($value);
    $got = fine('the right one', $name, @persist);
    like($got->{says}, qr/^proven: /, 'it is proven');
    $put->($value =~ s/localhost/other.example/r);
    check(4, 'of another CA', $name, @persist);
};

$server->finish;
done_testing;
