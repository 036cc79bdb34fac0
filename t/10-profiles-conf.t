#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# <ACMEIssuer>, <ACMEPolicy>, <ACMEProfile>: `httpd -t` finds each mistake, one
# by one, with directive, value, reason and remedy; what is right is resolved
# per virtual host, inner scope before outer.

use strict;
use warnings;
use FindBin;
use JSON::PP ();
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeServer;

my $server = AcmeServer->new(bare => 1);
my $state = "ACMEStateDir $server->{state}";

sub syntax {
    my (@lines) = @_;
    return $server->configure(vhost => join "\n", $state, @lines)->syntax;
}

sub section {
    my ($kind, $name, @lines) = @_;
    return join "\n", "<ACME$kind $name>", @lines, "</ACME$kind>";
}
sub issuer  { return section('Issuer',  @_) }
sub policy  { return section('Policy',  @_) }
sub profile { return section('Profile', @_) }

sub pair { return ('ACMEIssuerCertificate /x.pem', 'ACMEIssuerKey /x.key') }

# what the virtual host says, what -t must say about it
my @mistakes = (
    # issuers
    [issuer('Corp'), qr/<ACMEIssuer Corp>: a name is .*; write <ACMEIssuer/],
    [issuer('"a b"'), qr/<ACMEIssuer "a b">: a name is .*; write/],
    [issuer('a b'), qr/<ACMEIssuer a b>: a name is .*; write/],
    [issuer(''), qr/<ACMEIssuer>: it has no name; write <ACMEIssuer name>$/m],
    [issuer('x' x 33), qr/<ACMEIssuer x+>: a name is .*; write/],
    ["<ACMEIssuer corp\n</ACMEIssuer>",
        qr/<ACMEIssuer corp: it is not closed; write <ACMEIssuer name>/],
    [issuer('automatic', pair()),
        qr/<ACMEIssuer automatic>: an issuer of this name .*; rename it/],
    [issuer('corp'),
        qr/<ACMEIssuer corp>: it has neither certificate nor key; write ACME/],
    [issuer('corp', 'ACMEIssuerCertificate x.pem'),
        qr/<ACMEIssuer corp>: it has no key; write/],
    [issuer('corp', 'ACMEIssuerKey x.key'),
        qr/<ACMEIssuer corp>: it has no certificate; write/],
    [issuer('corp', pair(), 'ACMEIssuerDirectory ca'),
        qr/<ACMEIssuer corp>: it has a directory beside .*; write/],
    [issuer('corp', 'ACMEIssuerCertificate ""', 'ACMEIssuerKey x.key'),
        qr/ACMEIssuerCertificate takes one argument, PEM file/],
    [issuer('corp', pair(), 'ACMEIssuerAlternate ""'),
        qr/ACMEIssuerAlternate requires at least one argument, PEM/],
    [issuer('corp', pair(), 'ACMEIssuerURL pki.test'),
        qr{ACMEIssuerURL pki.test: it is not an http.*; write http}],
    ["ACMEIssuerURL http://x/?a", qr{ACMEIssuerURL \S+: .* no query; write}],
    ['ACMEIssuerURL https://x', qr{ACMEIssuerURL https://x: .* without TLS; w}],
    ['ACMEIssuerURL ldap://x', qr{ACMEIssuerURL ldap://x: it is not an http}],
    [issuer('corp', pair(), 'ACMEIssuerType acme'),
        qr/ACMEIssuerType acme \(issuer corp\): .* later version; use int/],
    [issuer('corp', pair(), 'ACMEIssuerType exec'),
        qr/ACMEIssuerType exec \(issuer corp\): .* later version; use int/],
    [issuer('corp', pair(), 'ACMEIssuerType vault'),
        qr/ACMEIssuerType vault \(issuer corp\): there is no such type; use/],
    [issuer('corp', 'ACMEIssuerType self-signed'),
        qr/ACMEIssuerType self-signed .*never has the subscriber's key.*; le/],
    [issuer('corp', pair(), 'ACMEIssuerCRL maybe'),
        qr/ACMEIssuerCRL maybe: write on, on next-update=7d, or off/],
    [issuer('corp', pair(), 'ACMEIssuerCRL off next-update=7d'),
        qr/ACMEIssuerCRL off next-update=7d: write on, on next-update/],
    [issuer('corp', pair(), 'ACMEIssuerCRL on next-update=soon'),
        qr/ACMEIssuerCRL soon: /],
    [issuer('corp', pair(), 'ACMEIssuerCRL on next-update=5s'),
        qr/next-update=5s \(issuer corp\): lists live from a minute to .*7d/],
    [issuer('corp', pair(), 'ACMEIssuerOCSP maybe'),
        qr/ACMEIssuerOCSP maybe: write on, on next-update=12h, or off/],
    [issuer('corp', pair(), 'ACMEIssuerOCSP on next-update=11d'),
        qr/next-update=950400s \(issuer corp\): responses live from .*12h/],
    [issuer('corp', 'ACMEIssuerCertificate /x.pem',
            'ACMEIssuerKey pkcs11:token=ca;object=issuing'),
        qr/ACMEIssuerKey pkcs11:token=ca;.*: keys in PKCS #11 .* later .*; u/],
    [issuer('corp', pair()) . "\n" . issuer('corp', pair()),
        qr/<ACMEIssuer corp>: there is one of this name .*:\d+\); rename one/],
    [issuer('corp', pair(), 'ServerAdmin a@b.test'),
        qr/ServerAdmin a\@b.test: it does not belong into <ACMEIssuer corp>/],
    [issuer('corp', pair(), 'ACMEProfilePolicy x'),
        qr/ACMEProfilePolicy x: it does not belong into <ACMEIssuer corp>/],
    [issuer('corp', pair(), policy('x')),
        qr/<ACMEPolicy x>: it does not belong into <ACMEIssuer corp>; write/],
    [issuer('corp', pair(), 'ACMEIssuerPolicy x'),
        qr/Invalid command 'ACMEIssuerPolicy'/],
    (map { my ($name, $kind) = ($_, /^ACME(Issuer|Policy|Profile)/);
        ["$name x", qr/$name: it stands outside .* write .* <ACME$kind name>/]
    } qw(ACMEIssuerType ACMEIssuerCertificate ACMEIssuerKey ACMEIssuerDirectory
        ACMEIssuerAlternate ACMEIssuerCRL ACMEIssuerOCSP ACMEPolicyPreset
        ACMEPolicySubject ACMEPolicySAN ACMEPolicyKey ACMEPolicySignature
        ACMEPolicyKeyUsage ACMEPolicyExtendedKeyUsage ACMEPolicyMaxValidity
        ACMEPolicyMaxNames ACMEPolicyNetwork ACMEProfileDescription
        ACMEProfilePolicy ACMEProfileIssuer ACMEProfileValidity
        ACMEProfileChallenges ACMEProfileExternalAccount ACMEProfileSubject
        ACMEProfileEnrollment)),
    (map { ["$_ on", qr/$_: it stands outside .* write it between <ACMEProf/] }
        qw(ACMEProfileValidation ACMEProfileCommonName ACMEProfileCAA)),

    # policies
    [policy('P'), qr/<ACMEPolicy P>: a name is .*; write <ACMEPolicy name>/],
    [policy('p') . "\n" . policy('p'),
        qr/<ACMEPolicy p>: there is one of this name .*:\d+\); rename one/],
    [policy('p', 'ACMEPolicyPreset tls'), qr/ACMEPolicyPreset tls: .*; choose/],
    [policy('p', 'ACMEPolicyMaxValidity 1y', 'ACMEPolicyPreset tls-client'),
        qr/ACMEPolicyPreset tls-client: .*; /],
    [policy('p', 'ACMEPolicySAN'), qr/ACMEPolicySAN: it says nothing; wri/],
    [policy('p', 'ACMEPolicySAN dns'),
        qr/ACMEPolicySAN dns: what to do .* Write allow, require or deny/],
    [policy('p', 'ACMEPolicySAN dns *.a.test'),
        qr/ACMEPolicySAN dns \*\.a\.test: what to do .* Write allow/],
    [policy('p', 'ACMEPolicySAN dns allow'),
        qr/ACMEPolicySAN dns allow: what to do .* Write allow/],
    [policy('p', 'ACMEPolicySAN dns allow deny a.test'),
        qr/ACMEPolicySAN dns allow deny a.test: what to do .* Write allow/],
    [policy('p', 'ACMEPolicySAN dns allow a.test deny'),
        qr/ACMEPolicySAN dns allow a.test deny: what to do .* Write allow/],
    [policy('p', 'ACMEPolicySAN dns allow a..test'),
        qr/ACMEPolicySAN dns allow a\.\.test: .*; /],
    [policy('p', 'ACMEPolicySAN dns allow a.*.*b'),
        qr/ACMEPolicySAN dns allow a\.\*\.\*b: .*; /],
    [policy('p', 'ACMEPolicySAN ip allow 10.0.0.1/8'),
        qr{ACMEPolicySAN ip allow 10.0.0.1/8: .*; }],
    [policy('p', 'ACMEPolicySAN CN allow a.test'),
        qr/ACMEPolicySAN CN allow a.test: .*; /],
    [policy('p', 'ACMEPolicySubject X allow a'),
        qr/ACMEPolicySubject X allow a: .*; /],
    [policy('p', 'ACMEPolicySubject O allow "a'),
        qr/ACMEPolicySubject O allow "a: a quote is left open; close it/],
    [policy('p', 'ACMEPolicySAN dns allow a.test # mine'),
        qr/ACMEPolicySAN dns .*: there are no comments behind .*; write it on/],
    [policy('p', 'ACMEPolicyKey ec:P-224'), qr/ACMEPolicyKey ec:P-224: .*; /],
    [policy('p', 'ACMEPolicyKey rsa:1024'), qr/ACMEPolicyKey rsa:1024: .*; /],
    [policy('p', 'ACMEPolicyKey rsa:4096-2048'),
        qr/ACMEPolicyKey rsa:4096-2048: .*; /],
    [policy('p', 'ACMEPolicySignature md5'), qr/ACMEPolicySignature md5: .*; /],
    [policy('p', 'ACMEPolicyKeyUsage allow everything'),
        qr/ACMEPolicyKeyUsage allow everything: .*; /],
    [policy('p', 'ACMEPolicyKeyUsage digitalSignature'),
        qr/ACMEPolicyKeyUsage digitalSignature: what to do .* Write allow/],
    [policy('p', 'ACMEPolicyExtendedKeyUsage require server'),
        qr/ACMEPolicyExtendedKeyUsage require server: .*; /],
    [policy('p', 'ACMEPolicyMaxValidity forever'),
        qr/ACMEPolicyMaxValidity forever: it is no time; write a number/],
    [policy('p', 'ACMEPolicyMaxValidity 0'),
        qr/ACMEPolicyMaxValidity 0: .*; /],
    [policy('p', 'ACMEPolicyMaxNames few'),
        qr/ACMEPolicyMaxNames few: it is no number; write/],
    [policy('p', 'ACMEPolicyMaxNames 0'), qr/ACMEPolicyMaxNames 0: .*; /],
    [policy('p', 'ACMEPolicyNetwork *.a.test'),
        qr/ACMEPolicyNetwork \*\.a\.test: .*; /],
    [policy('p', 'ACMEPolicyNetwork *.a.test resolves-to=10.0.0.0/33'),
        qr{ACMEPolicyNetwork \*\.a\.test resolves-to=10.0.0.0/33: .*; }],

    # profiles
    [profile('Web'), qr/<ACMEProfile Web>: a name is .*; write <ACMEProfile/],
    [profile('new-order'), qr/<ACMEProfile new-order>: this word is .*; renam/],
    [profile('directory'), qr/<ACMEProfile directory>: this word .*; rename/],
    [profile('web') . "\n" . profile('web'),
        qr/<ACMEProfile web>: there is one of this name .*:\d+\); rename one/],
    [profile('web', 'ACMEProfilePolicy strict'),
        qr/ACMEProfilePolicy strict \(profile web\): there is no such policy/],
    [profile('web', 'ACMEProfileIssuer corp'),
        qr/ACMEProfileIssuer corp \(profile web\): there is no such issuer/],
    [profile('web', 'ACMEProfileIssuer self-signed'),
        qr/ACMEProfileIssuer self-signed .*never has the subscriber's key/],
    [profile('web', 'ACMEProfileValidity long'),
        qr/ACMEProfileValidity long: it is no time; write a number/],
    [profile('web', 'ACMEProfileValidity 90d 1y'),
        qr/ACMEProfileValidity 90d 1y: .*; write TIME \[max=TIME\]/],
    [profile('web', 'ACMEProfileValidity 90d max=30d'),
        qr/ACMEProfileValidity 90d max=30d: .*; write it like 90d max=1y/],
    [profile('web', 'ACMEProfileValidity 30s'),
        qr/ACMEProfileValidity 30s \(profile web\): .* minute; choose 1m to/],
    [profile('web', 'ACMEProfileValidity 2y'),
        qr/ACMEProfileValidity 2y \(profile web\): .* 365d .*PolicyMaxVal.*;/],
    [profile('web', 'ACMEProfileValidity 90d # also hours: 24h'),
        qr/ACMEProfileValidity 90d .*: there are no comments behind/],
    [profile('web', 'ACMEProfileChallenges smoke-01'),
        qr/ACMEProfileChallenges smoke-01 \(profile web\): .* no such .*; use/],
    [profile('web', 'ACMEProfileChallenges http-01 dns-persist-01'),
        qr/ACMEProfileChallenges dns-persist-01 .*; write ACMEDNSPersist on/],
    [profile('web', 'ACMEProfileChallenges dns-account-01'),
        qr/ACMEProfileChallenges dns-account-01 .*; write ACMEDNSAccount on/],
    [profile('web', 'ACMEProfileExternalAccount maybe'),
        qr/ACMEProfileExternalAccount maybe: there is no .*; write requ/],
    [profile('web', 'ACMEProfileValidation off'),
        qr/ACMEProfileValidation off \(profile web\): anybody .*; write AC/],
    [profile('web', 'ACMEProfileEnrollment est'),
        qr/ACMEProfileEnrollment est: there is no such way .*; write acme/],
    [profile('web', 'ACMEProfileSubject Example'),
        qr/ACMEProfileSubject Example: .*; /],
    [profile('web', 'ACMEProfileSubject C=Germany'),
        qr/ACMEProfileSubject C=Germany: .*; /],
    [profile('web', 'ACMEProfileSubject O="Example Corp'),
        qr/ACMEProfileSubject O="Example Corp: a quote is left open; close it/],
    [policy('p', 'ACMEPolicySubject O allow "A Corp"') . "\n"
        . profile('web', 'ACMEProfilePolicy p',
            'ACMEProfileSubject O="B Corp"'),
        qr/ACMEProfileSubject \(profile web\): O="B Corp": .*; allow it in/],
    (map { my $preset = $_;
        map { [policy('p', "ACMEPolicyPreset $preset") . "\n"
            . profile('web', 'ACMEProfilePolicy p', @$_),
            qr/ACMEProfilePolicy p \(profile web\): no challenge proves/] }
            ['ACMEProfileExternalAccount off'],
            ['ACMEProfileExternalAccount required'],
            ['ACMEProfileExternalAccount optional', 'ACMEProfileValidation off']
    } qw(code-signing email)),
    ['ACMEDefaultProfile web',
        qr/ACMEDefaultProfile web: there is no such profile; write <ACMEProf/],
    ['ACMEDefaultProfile web' . "\n" . profile('web'),
        qr/ACMEDefaultProfile web: .* not for ACME; write ACMEProfileEn/],
    ['ACMEExternalAccountReveal maybe',
        qr/ACMEExternalAccountReveal must be On or Off/],
    ['ACMEAuditLog "|"', qr/ACMEAuditLog \|: there is no program; write "\|/],
    ['ACMEAuditLog ""', qr/ACMEAuditLog takes one argument, FILE or/],
    ['ACMEKeyBlocklist ""', qr/ACMEKeyBlocklist requires at least one arg/],
    ['ACMEKeyBlocklist', qr/ACMEKeyBlocklist requires at least one/],
);

for (@mistakes) {
    my ($lines, $want) = @$_;
    my ($status, $text) = syntax($lines);
    my $name = $lines =~ s/\n/ | /gr;
    isnt($status, 0, "$name: -t fails");
    like($text, $want, '… and says why');
}
my ($status, $text) = syntax("<Directory />\n" . issuer('corp', pair())
    . "\n</Directory>");
like($text, qr/<ACMEIssuer not allowed/, 'no section in a <Directory>');
($status, $text) = syntax(policy('p', 'ACMEPolicyMaxNames 0'));
like($text, qr/Syntax error on line \d+ of \Q$server->{conf}\E/,
    'a mistake within a section has its line');
my ($line) = $text =~ /on line (\d+) of/;
like((split /\n/, AcmeServer::read_file($server->{conf}))[$line - 1],
    qr/ACMEPolicyMaxNames 0/, 'which is the right one');

sub dump_conf {
    my ($name) = @_;
    my ($status, $text) = $server->command('-t', '-D', 'DUMP_ACME_CONFIG');
    my ($json) = $text =~ /^(\[\n.*^\])$/ms or diag $text;
    my ($found) = grep { $_->{serverName} eq ($name || 'localhost') }
        @{ JSON::PP::decode_json($json) };
    return $found;
}

sub resolved {
    my (@lines) = @_;
    $server->configure(vhost => join "\n", $state, @lines);
    my ($status, $text) = $server->syntax;
    is($status, 0, 'is right') or diag $text;
    unlike($text, qr/AS04(?!17)\d\d/, 'nothing is said') or diag $text;
    return dump_conf();
}

# The example of the manual, whole.
my $got = resolved(
    issuer('corp',
        'ACMEIssuerCertificate conf/corp.pem', 'ACMEIssuerKey conf/corp.key',
        'ACMEIssuerAlternate conf/x1.pem conf/x2.pem',
        'ACMEIssuerURL http://pki.corp.example/', 'ACMEIssuerType internal',
        'ACMEIssuerCRL on next-update=3d', 'ACMEIssuerOCSP off'),
    policy('tls-server',
        'ACMEPolicyPreset    tls-server',
        'ACMEPolicySAN       dns   allow *.corp.example  **.apps.corp.example'
            . '   deny *.secret.corp.example',
        'ACMEPolicySAN       ip    allow 10.0.0.0/8',
        'ACMEPolicySubject   CN    allow *.corp.example',
        'ACMEPolicySubject   O     require "Example Corp"',
        'ACMEPolicyKey       ec:P-256 ec:P-384 rsa:2048-4096 ed25519',
        'ACMEPolicySignature sha256 sha384',
        'ACMEPolicyKeyUsage          require digitalSignature '
            . 'allow keyEncipherment',
        'ACMEPolicyExtendedKeyUsage  require serverAuth allow clientAuth',
        'ACMEPolicyMaxValidity 1y', 'ACMEPolicyMaxNames 20',
        'ACMEPolicyNetwork "*.dmz.corp.example" resolves-to=10.9.0.0/16 '
            . 'requested-from=10.9.0.0/16'),
    profile('web',
        'ACMEProfileDescription     "TLS servers, 90 days"',
        'ACMEProfilePolicy          tls-server',
        'ACMEProfileIssuer          corp',
        'ACMEProfileValidity        90d',
        'ACMEProfileChallenges      http-01',
        'ACMEProfileExternalAccount required',
        'ACMEProfileValidation      on',
        'ACMEProfileSubject         O="Example Corp" C=DE',
        'ACMEProfileCommonName      on',
        'ACMEProfileCAA             off',
        'ACMEProfileEnrollment      acme'),
    'ACMEDefaultProfile web', 'ACMEExternalAccountReveal on',
    'ACMEIssuerURL http://other.example/', 'ACMEAuditLog logs/audit.log');
my ($corp) = grep { $_->{name} eq 'corp' } @{ $got->{issuers} };
is($corp->{certificate}, "$server->{dir}/conf/corp.pem", 'below ServerRoot');
is($corp->{key}, "$server->{dir}/conf/corp.key", 'the key, too');
is("@{ $corp->{alternates} }",
    "$server->{dir}/conf/x1.pem $server->{dir}/conf/x2.pem", 'alternates');
is($corp->{url}, 'http://pki.corp.example/', 'the issuer has its own URL');
is($got->{issuerURL}, 'http://other.example/', 'the virtual host another');
is($got->{auditLog}, "$server->{dir}/logs/audit.log", 'the audit log');
is($got->{externalAccountReveal}, 1, 'ACMEExternalAccountReveal');
is($got->{externalAccountKeyFile}, "$server->{state}/ca/eab.key",
    'the key file of secrets is in the state directory');
is($got->{defaultProfile}, 'web', 'ACMEDefaultProfile');
is(scalar @{ $got->{profiles} }, 1, 'the built-in profile is gone');
my $web = $got->{profiles}[0];
my %want = (name => 'web', directory => 'web', issuer => 'corp',
    description => 'TLS servers, 90 days', validity => 90 * 86400,
    maxValidity => 365 * 86400, externalAccount => 2, validation => 1,
    commonName => 1, enrollment => 1);
is($web->{$_}, $want{$_}, "profile: $_") for sort keys %want;
is_deeply($web->{subject}, ['O=Example Corp', 'C=DE'],
    'a quote behind the "=" holds a value together');
is($web->{policy}{name}, 'tls-server', 'the policy is the named one');
is($web->{policy}{maxNames}, 20, 'with its values');

# Defaults.
$got = resolved();
is($got->{profiles}[0]{name}, 'default', 'without profiles: the built-in one');
is($got->{profiles}[0]{directory}, '', '… in the directory without a name');
$got = resolved(policy('short', 'ACMEPolicyPreset short-lived'),
    profile('a', 'ACMEProfileEnrollment acme'),
    profile('b', 'ACMEProfilePolicy short'),
    profile('c', 'ACMEProfileValidity 24h max=2d'),
    profile('default',
        "ACMEProfileSubject 'O=A B' \"OU=C D\" L=\"E \\\"F\\\"\""));
my %profile = map { $_->{name} => $_ } @{ $got->{profiles} };
is($profile{a}{validity}, 90 * 86400, '90 days by default');
is($profile{a}{issuer}, 'automatic', 'the automatic CA');
is($profile{a}{policy}{name}, 'tls-server', 'the preset tls-server');
is($profile{a}{externalAccount}, 0, 'no external account keys');
is($profile{b}{validity}, 7 * 86400, 'less where the policy allows less');
is($profile{b}{enrollment}, 0, 'no directory unless it says so');
is($profile{c}{validity}, 86400, 'hours');
is($profile{c}{maxValidity}, 2 * 86400, 'max=');
is($profile{default}{directory}, 'default', 'a profile called default');
is_deeply($profile{default}{subject}, ['O=A B', 'OU=C D', 'L=E "F"'],
    'quotes around words and within');

# More than the 64 words that httpd takes apart itself.
$got = resolved(
    policy('p', 'ACMEPolicySAN dns deny ' . join ' ',
        map { "n$_.test" } 1 .. 100),
    profile('a', 'ACMEProfilePolicy p'));
is(scalar @{ $got->{profiles}[0]{policy}{rules}{dns}{deny} }, 100,
    'none of a hundred denied names is lost');

# Inner scope hides outer by kind and name, and resolves its own names.
$server->configure(vhost => "$state\n" . policy('p', 'ACMEPolicyMaxNames 2')
    . "\n" . profile('mine', 'ACMEProfilePolicy p'),
    global => join "\n",
    issuer('one', 'ACMEIssuerCertificate a', 'ACMEIssuerKey a'),
    policy('p', 'ACMEPolicyMaxNames 1'), policy('q', 'ACMEPolicyMaxNames 9'),
    profile('outer', 'ACMEProfilePolicy p', 'ACMEProfileIssuer one'),
    profile('mine', 'ACMEProfilePolicy q', 'ACMEProfileDescription outer'),
    'ACMEDefaultProfile outer',
    "<VirtualHost 127.0.0.1:1>\nServerName y.test\nACMEServer on\n$state",
    'ACMEDefaultProfile mine', '</VirtualHost>');
($status, $text) = $server->syntax;
isnt($status, 0, 'a default profile that is not for ACME, in both');
is(scalar(() = $text =~ /is not for ACME/g), 2, '… is told for both');
$server->configure(global => $server->{global} =~ s/^ACMEDefaultProf.*\n//gmr);
($status, $text) = $server->syntax;
is($status, 0, 'two scopes may have sections of one name') or diag $text;
%profile = map { $_->{name} => $_ } @{ dump_conf()->{profiles} };
is(join(' ', sort keys %profile), 'mine outer', 'one of each name');
is($profile{mine}{policy}{maxNames}, 2, 'the inner policy for the inner one');
is($profile{mine}{description}, undef, 'the inner hides the outer as a whole');
is($profile{outer}{policy}{maxNames}, 2,
    'the inner policy for the outer one as well');
%profile = map { $_->{name} => $_ } @{ dump_conf('y.test')->{profiles} };
is($profile{mine}{policy}{maxNames}, 9, 'another virtual host: the outer ones');
is($profile{outer}{policy}{maxNames}, 1, '… all of them');
done_testing;
