# SPDX-License-Identifier: Apache-2.0
package AcmeCheck;

# What every answer of an ACME server must look like, as one test each; and a
# look into the server's database.

use strict;
use warnings;
use MIME::Base64 qw(encode_base64url decode_base64url);
use Test::More;
use parent 'Exporter';

use AcmeClient;
use AcmeServer;

our @EXPORT = qw(refused refusal_faults answered links nonce_fault sql tables
    database timed_out);

# RFC 8555 6.7, and the one token beyond (T27).
my %known = map { $_ => 1 } qw(accountDoesNotExist alreadyRevoked badCSR
    badNonce badPublicKey badRevocationReason badSignatureAlgorithm caa compound
    connection dns externalAccountRequired incorrectResponse invalidContact
    malformed orderNotReady rateLimited rejectedIdentifier serverInternal tls
    unauthorized unsupportedContact unsupportedIdentifier userActionRequired
    alreadyReplaced invalidProfile);

# URLs of Link headers with this relation; each on a line of its own (T71).
sub links {
    my ($res, $rel) = @_;
    return map { m{^<([^<>]*)>;rel="\Q$rel\E"$} ? $1 : () }
        @{ $res->{headers}{link} || [] };
}

# R2, R3: one header, canonical base64url of whole octets.
sub nonce_fault {
    my ($res) = @_;
    my @nonces = @{ $res->{headers}{'replay-nonce'} || [] };
    return @nonces . ' Replay-Nonce headers' if @nonces != 1;
    return "nonce $nonces[0]" if $nonces[0] !~ /^[\w-]+$/
        || encode_base64url(decode_base64url($nonces[0])) ne $nonces[0];
    return;
}

# T18, T26, T30
sub common_faults {
    my ($res) = @_;
    my @index = links($res, 'index');
    my $control = AcmeClient::header($res, 'cache-control') // '';
    my $origin
        = AcmeClient::header($res, 'access-control-allow-origin') // '';
    return (nonce_fault($res),
        @index == 1 && $index[0] =~ m{/directory$} ? () : "index link: @index",
        $control =~ /\bno-store\b/ ? () : 'may be stored',
        $origin eq '*' ? () : 'CORS');
}

# R6, T27, T28
sub document_faults {
    my ($res) = @_;
    my $media = AcmeClient::header($res, 'content-type') // '';
    my $doc = $res->{json};
    my @faults = $media eq 'application/problem+json' ? () : "type $media";
    return (@faults, 'no JSON object') if ref $doc ne 'HASH';
    push @faults, 'unknown type' if !$known{ AcmeClient::problem($res) };
    push @faults, 'status in document'
        if ($doc->{status} // 0) ne $res->{status};
    push @faults, 'no detail' if ref $doc->{detail} || !length $doc->{detail};
    push @faults, 'identifier on top' if exists $doc->{identifier};
    return @faults;
}

# What is wrong with it as a clear refusal of what the client sent.
sub refusal_faults {
    my ($res) = @_;
    return ($res->{status} =~ /^4\d\d$/ ? () : "status $res->{status}",
        document_faults($res), common_faults($res));
}

# The answer is a problem document of this status and type, with all headers
# that every answer has; detail: a regex.
sub refused {
    my ($res, $status, $type, $name, $detail) = @_;
    my $found  = AcmeClient::problem($res);
    my @faults = (document_faults($res), common_faults($res),
        $res->{status} == $status ? () : "status $res->{status}",
        $found eq $type           ? () : "problem '$found'");
    push @faults, "detail is not like $detail"
        if !@faults && $detail && $res->{json}{detail} !~ $detail;
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok(!@faults, "$name: $status $type") || diag join '; ', @faults,
        $res->{body};
}

# The answer is a success of this status, a JSON object if it has a body and
# media is not given.
sub answered {
    my ($res, $status, $name, $media) = @_;
    my $found = AcmeClient::header($res, 'content-type') // '';
    my @faults = (
        $res->{status} == $status ? () : "status $res->{status}",
        $res->{body} eq '' || $found eq ($media || 'application/json')
            && ($media || ref $res->{json} eq 'HASH') ? () : "type $found",
        common_faults($res));
    local $Test::Builder::Level = $Test::Builder::Level + 1;
    return ok(!@faults, "$name: $status") || diag join '; ', @faults,
        $res->{body};
}

sub database {
    my ($server) = @_;
    my ($file) = grep { !/-(?:wal|shm)$|\.lock$/ } glob "$server->{state}/db/*";
    return $file // die "no database\n";
}

# Output of the sqlite3 command, columns separated by "|".
sub sql {
    my ($server, $text) = @_;
    return $server->{postgres}->sql($text) =~ s/(?<=.)\z/\n/sr
        if $server->{postgres};
    return AcmeClient::run('sqlite3', '-cmd', '.timeout 5000',
        database($server), $text);
}

# The longest try of what could not be proven ended with this
# ACMEValidationTimeout, by the server's own clock.
sub timed_out {
    my ($server, $seconds, $name) = @_;
    my $took = sql($server, "SELECT max(json_extract(detail, '\$.took')) "
        . "FROM events WHERE kind = 'authz.invalid'") / 1000;
    ok($took > $seconds - 0.1 && $took < 2 * $seconds, $name) or diag $took;
}

# {table => rows}
sub tables {
    my ($server) = @_;
    my @names = split /\n/, sql($server, 'SELECT name FROM sqlite_master'
        . " WHERE type = 'table' AND name NOT LIKE 'sqlite_%'");
    return { map { split /\|/ } split /\n/, sql($server, join ' UNION ALL ',
        map { "SELECT '$_', count(*) FROM \"$_\"" } @names) };
}

1;
