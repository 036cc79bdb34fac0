#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# `httpd -t` finds each mistake, one by one, and names directive, value, reason
# and remedy; facts of the moment are warnings there, and never fail a start;
# -t makes no file.

use strict;
use warnings;
use File::Find ();
use FindBin;
use JSON::PP ();
use lib "$FindBin::Bin/lib";
use Test::More;
use AcmeClient;
use AcmeServer;
use AcmeSkip;

my $server = AcmeServer->new(bare => 1);
my $state = "ACMEStateDir $server->{state}";

sub files {
    my @found;
    File::Find::find(sub { push @found, $File::Find::name }, $server->{dir});
    return join "\n", grep { !/\.log$/ } @found;
}

sub syntax {
    my (@lines) = @_;
    return $server->configure(vhost => join("\n", $state, @lines))->syntax;
}

# what the vhost says, what -t must say about it
my @mistakes = (
    ['ACMEServer perhaps', qr/ACMEServer must be On or Off/],
    ['ACMEBaseURL http://ca.test',
        qr{ACMEBaseURL http://ca.test: ACME needs https .*; write https://}],
    ['ACMEBaseURL https://ca.test/',
        qr{ACMEBaseURL https://ca.test/: it ends in a slash; write}],
    ['ACMEBaseURL https://ca.test?x',
        qr{ACMEBaseURL https://ca.test\?x: it holds a query.*; write}],
    ['ACMEBaseURL https://', qr{ACMEBaseURL https://: it has no host; write}],
    ['ACMEBaseURLAlias https://old.test ftp://x',
        qr{ACMEBaseURLAlias ftp://x: ACME needs https.*; write}],
    ['ACMEPath acme', qr{ACMEPath acme: it is no.*; write it like /acme}],
    ['ACMEPath /acme/', qr{ACMEPath /acme/: it is no.*; write it like}],
    ['ACMEPath /a//b', qr{ACMEPath /a//b: it is no.*; write it like}],
    ['ACMEPath /a/../b', qr{ACMEPath /a/\.\./b: it is no.*; write it like}],
    ['ACMEDatabase sqlite3', qr/ACMEDatabase takes two arguments/],
    ['ACMEDatabase oracle x', qr/ACMEDatabase oracle: .*; use sqlite3/],
    ['ACMERealm "a realm"', qr/ACMERealm a realm: .*; choose such a name/],
    ['ACMETermsURL terms.html',
        qr{ACMETermsURL terms.html: it is not an http.*; write https://}],
    ['ACMEWebsite ca.test', qr{ACMEWebsite ca.test: it is not.*; write}],
    ['ACMENonceSlots many',
        qr/ACMENonceSlots many: it is no number; write a whole number/],
    ['ACMENonceSlots 1', qr/ACMENonceSlots 1: .* range; choose 16 to/],
    ['ACMENonceSlots -1', qr/ACMENonceSlots -1: it is no number; write/],
    ['ACMENonceSlots 99999999999', qr/ACMENonceSlots 99999999999: it is no/],
    ['ACMERateLimit 300/3h',
        qr{ACMERateLimit 300/3h: it says nothing; write off, or WHAT N/TIME}],
    ['ACMERateLimit orders 300/3h',
        qr/ACMERateLimit orders: .*orders-per-account, orders-per-address/],
    ['ACMERateLimit orders-per-name 300',
        qr{ACMERateLimit 300: it is no limit; write NUMBER/TIME, as 300/3h}],
    ['ACMERateLimit orders-per-name 0/1h', qr{ACMERateLimit 0/1h: it is no}],
    ['ACMERateLimit orders-per-name 3/x', qr{ACMERateLimit x: it is no time}],
    ['ACMERateLimit orders-per-name 3/500ms', qr{3/500ms: .*whole seconds}],
    ['ACMERateLimit orders-per-name 3/2y',
        qr{ACMERateLimit orders-per-name 2y: .* range; choose 1s to 366d}],
    ['ACMERateLimit orders-per-name 2000/1s',
        qr{orders-per-name 2000/1s: .* write at most 1000 for each second}],
    ['ACMERateLimit pending-orders 3/1h',
        qr{ACMERateLimit 3/1h: it is no limit; write NUMBER, or off}],
    ['ACMETestNonceReject 101',
        qr/ACMETestNonceReject 101: .* range; choose 0 to 100/],
    ['ACMEResolver', qr/ACMEResolver: there is no name server; write/],
    ['ACMEResolver corp.test',
        qr/ACMEResolver corp.test: there is no name server; write/],
    ['ACMEResolver corp.test 192.0.2.999',
        qr/ACMEResolver 192.0.2.999: it is no address; write IP/],
    ['ACMEResolver 192.0.2.1:99999',
        qr/ACMEResolver 192.0.2.1:99999: it is neither a zone.*; write/],
    ['ACMEResolver "[2001:db8::1]" ',
        qr/ACMEResolver \[2001:db8::1\]: it is neither a zone.*; write/],
    ['ACMEResolverHost a.test',
        qr/ACMEResolverHost a.test: there is no address; write NAME IP/],
    ['ACMEResolverHost a.test nowhere',
        qr/ACMEResolverHost nowhere: it is no address; write NAME IP/],
    ['ACMEResolverHost a..test 192.0.2.1',
        qr/ACMEResolverHost a\.\.test: it is no DNS name; write NAME IP/],
    ['ACMEResolverInsecure a..test',
        qr/ACMEResolverInsecure a\.\.test: it is no name; write a DNS name/],
    ['ACMEDNSPersist maybe',
        qr/ACMEDNSPersist maybe: there is no such way; write on, draft-01 or/],
    ['ACMEResolverDNSSEC maybe', qr/ACMEResolverDNSSEC must be On or Off/],
    ['ACMEResolverAuthoritative no', qr/ACMEResolverAuth\w+ must be On or Off/],
    ['ACMEValidationPort dns-01 0',
        qr/ACMEValidationPort dns-01 0: .* range; choose 1 to 65535/],
    ['ACMEValidationPort smoke-01 53',
        qr/ACMEValidationPort smoke-01: there is no such.*; write http-01/],
    ['ACMEValidationPort http-01 http',
        qr/ACMEValidationPort http: it is no port; write a number/],
    ['ACMEValidationPort http-01 0',
        qr/ACMEValidationPort http-01 0: .* range; choose 1 to 65535/],
    ['ACMEValidationPort tls-alpn-01 65536',
        qr/ACMEValidationPort tls-alpn-01 65536: .* range; choose/],
    ['ACMEValidationAllow 10.0.0.0/33',
        qr{ACMEValidationAllow 10.0.0.0/33: it is no network; write it like}],
    ['ACMEValidationDeny ::/0 10.0.0.1/8',
        qr{ACMEValidationDeny 10.0.0.1/8: it is no network; write it like}],
    ['ACMEValidationTimeout soon',
        qr/ACMEValidationTimeout soon: it is no time; write a number with ms/],
    ['ACMEValidationTimeout 1m',
        qr/ACMEValidationTimeout 1m: it is no time; write a number with ms/],
    ['ACMEValidationTimeout 1ms',
        qr/ACMEValidationTimeout 1ms: .* range; choose 100ms to 10min$/m],
    ['ACMEValidationMax 0',
        qr/ACMEValidationMax 0: .* range; choose 1 to 100000/],
    ['ACMEValidationUnderscore maybe', qr/ACMEValidationUnderscore must be On/],
    ['ACMEToleratePaddedCSR 1', qr/ACMEToleratePaddedCSR must be On or Off/],
    ['ACMEOrderLifetime 1s', qr/ACMEOrderLifetime 1s: .* choose 1min to 10y/],
    ['ACMEOrderLifetime 1h30m', qr/ACMEOrderLifetime 1h30m: it is no time; wr/],
    ['ACMEOrderLifetime -1d', qr/ACMEOrderLifetime -1d: it is no time; write/],
    ['ACMEAuthzLifetime 20y', qr/ACMEAuthzLifetime 20y: .* range; choose/],
    ['ACMEAuthzReuse sometimes', qr/ACMEAuthzReuse must be On or Off/],
    ['ACMEFinalizeWait 2min', qr/ACMEFinalizeWait 2min: .* range; choose 0/],
    ['ACMEPolicies x', qr/Invalid command 'ACMEPolicies'/],
);

my $before = files();
for (@mistakes) {
    my ($line, $want) = @$_;
    my ($status, $text) = syntax($line);
    isnt($status, 0, "$line: -t fails");
    like($text, $want, "$line: says why");
    unlike($text, qr/\\x/, "$line: legibly");
}
my ($status, $text) = syntax('ACMEBaseURL http://x', 'ACMENonceSlots 1');
like($text, qr/ACMEBaseURL.*ACMENonceSlots/s, 'all mistakes are told at once');
like($text, qr{virtual host localhost \(\Q$server->{conf}\E:\d+\): },
    'with the place');

my @right = (
    'ACMEBaseURL https://ca.test:8443/pki',
    'ACMEBaseURLAlias https://a https://b',
    'ACMEPath /', 'ACMEPath /a/b.c', 'ACMEDatabase sqlite3 db/x.db',
    'ACMERealm corp-1', 'ACMENonceSlots 16',
    'ACMEResolver 192.0.2.1 192.0.2.2:5353 2001:db8::1 [2001:db8::1]:53',
    'ACMEResolver corp.test 192.0.2.1', 'ACMEResolverHost A.test 192.0.2.1 ::1',
    'ACMEValidationAllow 127.0.0.1 10.0.0.0/8 fd00::/8',
    'ACMEValidationTimeout 1500ms', 'ACMEOrderLifetime 2h',
    'ACMEOrderLifetime 90min', 'ACMEAuthzLifetime 1y', 'ACMEAuthzLifetime 2w',
    'ACMEFinalizeWait 0', 'ACMEPublish off', 'ACMEServer off',
);
for my $line (@right) {
    ($status, $text) = syntax($line);
    is($status, 0, "$line: is right") or diag $text;
    unlike($text, qr/AS\d{4}/, "$line: nothing is said");
}

# The vhost, but for its name, comes first on its port.
sub extra {
    my ($more, %o) = @_;
    my $fresh = AcmeServer->new(bare => 1, dir => $server->{dir},
        state => $server->{state}, global => $more, %o);
    return $fresh->syntax;
}
($status, $text) = extra("<VirtualHost 127.0.0.1:1>\nACMEServer on\n$state\n"
    . '</VirtualHost>', vhost => $state);
isnt($status, 0, 'a virtual host without ServerName: -t fails');
like($text, qr/ACMEServer on: there is no ServerName.*; write ServerName/,
    'and says why');
($status, $text) = extra("<VirtualHost 127.0.0.1:1>\nServerName x.test\n"
    . "ACMEPublish on\n</VirtualHost>\n<VirtualHost 127.0.0.1:2>\n"
    . "ServerName y.test\nACMEServer on\nACMEStateDir $server->{dir}/other\n"
    . '</VirtualHost>', vhost => $state);
like($text, qr/ACMEPublish on: there are several.*; give it the ServerName/,
    'ACMEPublish for nobody knows whom');
{
    no warnings 'redefine';
    my $loads = \&AcmeServer::load_modules;
    local *AcmeServer::load_modules = sub {
        my $lines = $loads->(@_);
        $lines =~ s/^LoadModule slotmem_shm.*\n//m;
        return $lines;
    };
    ($status, $text) = syntax();
    isnt($status, 0, 'without mod_slotmem_shm: -t fails');
    like($text, qr/mod_slotmem_shm.* is not loaded; write LoadModule.*a2enmod/,
        'and says why');
}
is(files(), $before, '-t has made no file');

($status, $text) = $server->configure(vhost => $state)->command('-t', '-D',
    'DUMP_ACME_CONFIG');
my $dump = eval { JSON::PP::decode_json($text =~ s/Syntax OK\n//r) };
is($dump->[0]{baseURL}, $server->{base}, 'DUMP_ACME_CONFIG is JSON');
$text = ($server->configure(vhost => "$state\nACMEValidationAllow fe80::/10\n"
    . "ACMEValidationDeny 10.0.0.0/8 10.1.0.1")
    ->command('-t', '-D', 'DUMP_ACME_CONFIG'))[1];
$dump = eval { JSON::PP::decode_json($text =~ s/Syntax OK\n//r) };
is_deeply([map { $dump->[0]{validation}{$_} } qw(allow deny)],
    [['fe80::/10'], ['10.0.0.0/8', '10.1.0.1']], '… with the networks');

# What is only true just now.
SKIP: {
    skip_here 'not root: nothing can belong to somebody else', 1 if $> != 0;
    my $state = $server->{state};
    my @facts = (
        ['no directory', sub { AcmeServer::write_file($state, '') },
            sub { unlink $state }, qr/\Q$state\E is no directory; move it/],
        ['a CA directory of somebody else',
            sub { mkdir $state; mkdir "$state/ca"; chown 1, 1, "$state/ca" },
            sub { rmdir "$state/ca" },
            qr{\Q$state\E/ca belongs to daemon, not to root; .*chown -R root}],
        ['a CA directory open to others',
            sub { mkdir "$state/ca"; chmod 0755, "$state/ca" },
            sub { rmdir "$state/ca" },
            qr{\Q$state\E/ca is open to others .*; chmod 700 \Q$state\E/ca}],
        ['a database directory of somebody else',
            sub { mkdir "$state/db"; chown 1, 1, "$state/db" },
            sub { rmdir "$state/db" },
            qr{/db belongs to daemon, not to www-data; .*chown -R www-data}],
        ['a closed way to the database',
            sub { chmod 0700, $state }, sub { chmod 0755, $state },
            qr{/state \(of root, mode 700\) .* www-data .*chmod.*ACMEStateDir}],
        ['a database directory open to others', sub {
            mkdir "$state/db";
            chown +(getpwnam 'www-data')[2, 3], "$state/db";
            chmod 0777, "$state/db" },
            sub { rmdir "$state/db" },
            qr{not keep others from its database: \Q$state\E/db is open to }],
    );
    for (@facts) {
        my ($name, $make, $unmake, $want) = @$_;
        $make->();
        my ($status, $text) = $server->syntax;
        is($status, 0, "$name: -t does not fail");
        like($text, $want, "$name: but warns");
        unlink $server->{error_log};
        $server->start;
        $server->wait_log(qr/resuming normal operations/);
        like($server->log, qr/acme_server:crit.*$want/,
            "$name: a start does not fail either, and says it");
        my @lines = $server->log =~ /acme_server:crit\].*$want/g;
        is(scalar @lines, 1, "$name: once");
        my $res
            = AcmeClient::run('curl', '-sik', "$server->{base}/acme/roots.pem");
        like($res, qr{^HTTP/1.1 (?:200|503 .*problem\+json)}s,
            "$name: answers");
        $server->stop;
        AcmeClient::run('rm', '-rf', glob "$state/*") if -d $state;
        $unmake->();
    }
    mkdir $_, 0700 for "$server->{dir}/else", "$server->{dir}/else/db";
    ($status, $text) = $server->configure(vhost => "ACMEStateDir $state\n"
        . "ACMEDatabase sqlite3 $server->{dir}/else/db/acme.db")->syntax;
    like($text, qr{/else \(of root, mode 700\).*other place with ACMEDatabase},
        'a closed way to a database elsewhere: the directive of that');
}
done_testing;
