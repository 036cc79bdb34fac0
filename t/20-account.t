#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# RFC 8555 7.3: accounts (T32 to T39, T81, R29 to R31).

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Test::More;

use AcmeCheck;
use AcmeServer;
use AcmeWire;

my $terms  = 'https://ca.example/terms';
my $server = AcmeServer->new->start;
my ($true, $false) = (JSON::PP::true, JSON::PP::false);

sub client { return AcmeWire->new(server => $server, @_) }

# newAccount with this payload, nothing added to it.
sub ask {
    my ($client, $payload) = @_;
    my $res = $client->post($client->endpoints->{newAccount}, $payload,
        jwk => $client->{jwk});
    $client->{kid} = AcmeClient::header($res, 'location')
        if $res->{status} =~ /^20/;
    return $res;
}

sub create {
    my $c   = client();
    my $res = ask($c, { contact => ['mailto:a@b.test'],
        termsOfServiceAgreed => $true, status => 'deactivated',
        orders => 'https://evil.example/', onlyReturnExisting => $false,
        extra => { deep => [1] } });
    answered($res, 201, 'T32 newAccount');
    my $locations = $res->{headers}{location};
    is(@$locations, 1, 'T32 R10 one Location');
    my $doc = $res->{json};
    is($doc->{status}, 'valid', 'T32 T35 valid, whatever the client said');
    is($doc->{orders}, "$locations->[0]/orders", 'T32 T35 our orders URL');
    is_deeply($doc->{contact}, ['mailto:a@b.test'], 'T32 contact');
    ok(!exists $doc->{$_}, "T35 $_ is not reflected")
        for qw(extra onlyReturnExisting);

    for my $again ({}, { contact => ['mailto:x@y.test'] },
        { contact => ['ftp://x'] }, { contact => 1 },
        { onlyReturnExisting => $true }, { termsOfServiceAgreed => $false },
        { externalAccountBinding => { payload => 'x' } })
    {
        my $known = ask($c, $again);
        my $text  = JSON::PP->new->canonical->encode($again);
        answered($known, 200, "T33 known key, $text");
        is_deeply([@{ $known->{headers}{location} }, $known->{json}],
            [$locations->[0], $doc], 'T33 R10 the account as it was made');
    }
    is(sql($server, 'SELECT count(*) FROM accounts'), "1\n", 'T81 one account');
    return $c;
}

sub only_existing {
    my $c = client();
    refused(ask($c, { onlyReturnExisting => $true }), 400,
        'accountDoesNotExist', 'T34 R30 onlyReturnExisting, unknown key');
    refused(ask($c, { onlyReturnExisting => $_ }), 400, 'malformed',
        "T34 onlyReturnExisting is $_", qr/onlyReturnExisting/)
        for 'true', 1, [];
    is(sql($server, 'SELECT count(*) FROM accounts'), "1\n",
        'T34 no account was made');
}

my @good = (undef, [], [''], ['mailto:'], ['mailto: a@b.test'],
    ['mailto:a@b.test', 'mailto:c@d.test'], ['mailto:a+tag@b.test'],
    ['MAILTO:a@b.test'], ['mailto:a%40x@b.test']);
my @bad = (
    [['ftp://x'],                       'unsupportedContact'],
    [['tel:+49123'],                    'unsupportedContact'],
    [['https://x.example/'],            'unsupportedContact'],
    [['a@b.test'],                      'invalidContact'],
    [['mailto:a@b.test?subject=x'],     'invalidContact'],
    [['mailto:a@b.test,c@d.test'],      'invalidContact'],
    [['mailto:a.test'],                 'invalidContact'],
    [['mailto:a@'],                     'invalidContact'],
    [["mailto:a\r\nbcc:x\@b.test"],     'invalidContact'],
    [[('mailto:a@b.test') x 11],        'invalidContact'],
    ['mailto:a@b.test',                 'malformed'],
    [[1],                               'malformed'],
    [[undef],                           'malformed'],
    [{},                                'malformed']);

sub contacts {
    my ($c) = @_;
    for my $contact (@good) {
        my %payload = defined $contact ? (contact => $contact) : ();
        my $name = JSON::PP->new->encode(\%payload);
        answered(ask(client(), \%payload), 201, "R29 $name");
        answered($c->post($c->{kid}, \%payload), 200, "R29 update $name");
    }
    for (@bad) {
        my ($contact, $type) = @$_;
        my $name = substr JSON::PP->new->ascii->encode([$contact]), 0, 60;
        my $new = client();
        my $res = ask($new, { contact => $contact });
        my $got = AcmeClient::problem($res);
        $type = $got if $type eq 'invalidContact' && $got eq 'malformed'
            && @$contact > 10;
        refused($res, 400, $type, "T36 $name");
        refused(ask($new, { onlyReturnExisting => $true }), 400,
            'accountDoesNotExist', 'T36 and no account is left behind');
        refused($c->post($c->{kid}, { contact => $contact }), 400, $type,
            "T36 update $name");
    }
}

sub update {
    my ($c) = @_;
    my $acct = $c->{kid};
    my $res = $c->post($acct, { contact => ['mailto:new@b.test'] });
    answered($res, 200, 'T38 update');
    is_deeply($res->{json}{contact}, ['mailto:new@b.test'], 'T38 new contact');
    my $before = $c->get($acct)->{json};
    is_deeply($before, $res->{json}, 'T38 reads the same');
    for my $none ({}, { orders => 'x' }, { status => 'valid' },
        { status => 'revoked' }, { termsOfServiceAgreed => $true },
        { onlyReturnExisting => $true, x => [] })
    {
        my $text = JSON::PP->new->canonical->encode($none);
        my $same = $c->post($acct, $none);
        answered($same, 200, "R31 T38 $text changes nothing");
        is_deeply($same->{json}, $before, 'R31 T38 and gives the account');
    }
    is_deeply($c->post($acct, { contact => [] })->{json}{contact}, [],
        'T38 contact: [] clears');
    refused($c->post($acct, { status => $_ }), 400, 'malformed',
        'T38 status is no string', qr/status/) for 1, undef, [];
}

sub deactivate {
    my ($c) = @_;
    my $acct  = $c->{kid};
    my $order = $c->order('a.test')->{json};
    my $authz = $c->get($order->{authorizations}[0])->{json};
    my $res   = $c->post($acct, { status => 'deactivated' });
    answered($res, 200, 'T39 deactivation');
    is($res->{json}{status}, 'deactivated', 'T39 says so');
    my %later = ($acct => '', "$acct/orders" => '', $order->{self} => '',
        $order->{authorizations}[0] => '', $order->{finalize} => { csr => '' },
        AcmeClient::challenge($authz)->{url} => {},
        $c->endpoints->{newOrder} => { identifiers =>
            [{ type => 'dns', value => 'a.test' }] });
    refused($c->post($_, $later{$_}), 401, 'unauthorized', "T10 T39 $_",
        qr/deactivated/) for sort keys %later;
    refused($c->post($acct, { status => $_ }), 401, 'unauthorized',
        "T39 status $_ cannot be set") for qw(valid deactivated);
    refused(ask($c, $_), 401, 'unauthorized', 'T39 newAccount with that key')
        for {}, { onlyReturnExisting => $true };
    my $id = $order->{authorizations}[0] =~ s{.*/}{}r;
    is(sql($server, "SELECT status FROM authzs WHERE id = '$id'"),
        "deactivated\n", 'T39 its pending authorizations are gone');
}

# Many at once with one key: one of them makes the account.
sub at_once {
    my $c = client();
    my @w = map { $c->another } 1 .. 12;
    my $url = $c->endpoints->{newAccount};
    my @res = AcmeWire::at_once(
        map { [$_, $url, $_->jws($url, {}, jwk => $c->{jwk})] } @w);
    is(grep({ $_->{status} == 201 } @res), 1, 'T81 twelve at once: one 201');
    is(grep({ $_->{status} == 200 } @res), 11, 'T81 and eleven 200');
    my %urls = map { AcmeClient::header($_, 'location') => 1 } @res;
    is(keys %urls, 1, 'T81 all of the same account');
}

sub terms {
    my $other = AcmeServer->new(vhost => "ACMETermsURL $terms")->start;
    my $c = AcmeWire->new(server => $other);
    my $dir = $c->http('GET', $other->{directory})->{json};
    is($dir->{meta}{termsOfService}, $terms, 'T37 terms in the directory');
    for ({}, { termsOfServiceAgreed => $false }) {
        my $res = ask($c, $_);
        refused($res, 403, 'userActionRequired', 'T37 not agreed', qr/$terms/);
        is_deeply([links($res, 'terms-of-service')], [$terms],
            'T37 with a link to them');
    }
    refused(ask($c, { termsOfServiceAgreed => 'yes' }), 400, 'malformed',
        'T37 agreed with a string');
    refused(ask($c, { onlyReturnExisting => $true }), 400,
        'accountDoesNotExist', 'T34 terms do not matter for existing ones');
    my $res = ask($c, { termsOfServiceAgreed => $true });
    answered($res, 201, 'T37 agreed');
    ok($res->{json}{termsOfServiceAgreed}, 'T37 and that is remembered');
    answered(ask($c, {}), 200, 'T33 a known account need not agree again');
    $other->finish;
}

my $c = create();
only_existing();
contacts($c);
update($c);
at_once();
deactivate($c);
terms();
$server->finish;
done_testing;
