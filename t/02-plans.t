#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# No statement walks through a table that grows: SQLite's plan for each of them,
# on a database without rows, where nothing but the indexes decides.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;

use AcmeServer;

chdir "$FindBin::Bin/.." or die;

# What is small, or cut off: one row, one row per CA, what the statement itself
# has picked, the owners of jobs.  Jobs are few, and are looked at for those of
# an expired order or authorization only that somebody still works on.
my %few = map { $_ => 1 } qw(event_chain issuers b crls o open pending picked j
    blocked CONSTANT);
my %sorted = map { $_ => 1 } qw(STORE_SQL_CRL_LIST STORE_SQL_RENEWAL_OF_CERT);

(my $flags = `apr-1-config --includes --cppflags` . `apu-1-config --includes`)
    =~ s/\n/ /g;
my $string = qr/"(?:[^"\\]|\\.)*"/;

# The strings of a list, each made of pieces.
sub strings {
    my ($text) = @_;
    my @found;
    while ($text =~ /\G\s*,?\s*((?:$string\s*)+)/g) {
        my $pieces = $1;
        push @found, join '', map { substr $_, 1, -1 } $pieces =~ /$string/g;
    }
    return @found;
}

sub source { return scalar `gcc -E -P -D_GNU_SOURCE $flags -Isrc $_[0]` }

my (@schema, %sql);
for my $file (glob 'src/store/store_*.c') {
    my $text = source($file);
    while ($text =~ /static const char \*const step_(\d+)\[\] = \{(.*?)\};/gs) {
        $schema[$1] = [grep { !m{^ */\*pgsql} } strings($2)];
    }
    while ($text =~ /static const store_sql_t \w+ = \{\s*(\w+),\s*(.*?)\};/gs) {
        $sql{$1} = join '', strings($2);
    }
}
my $dir = AcmeServer::tempdir();

# What sqlite3 says to this.
sub ask {
    my ($sql) = @_;
    AcmeServer::write_file("$dir/sql", $sql);
    return scalar `sqlite3 -batch $dir/db <$dir/sql 2>&1`;
}

my $said = ask(join '', map {"$_;\n"} map { @{ $_ || [] } } @schema);
is($said, '', 'the schema, step by step');
cmp_ok(scalar keys %sql, '>', 100, 'statements are found');

for my $name (sort keys %sql) {
    my $text = $sql{$name};
    next if $text =~ /^(?:BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)|pg_advisory/;
    $text =~ s/%(?:lld|s|d|pDb\w*)/?/g;
    my $plan = ask("EXPLAIN QUERY PLAN $text;\n");
    my @faults = $plan =~ /(.*(?:Error|error).*)/g;
    for ($plan =~ /SCAN (\w+)/g) {
        push @faults, "it walks through $_" if !$few{$_};
    }
    # Behind a value is everything else.
    push @faults, "it walks through $1"
        if $plan =~ /INDEX ((?!sqlite_|jobs)\w+) \(\w+[<>]/;
    push @faults, 'it sorts' if $plan =~ /B-TREE FOR ORDER/ && !$sorted{$name};
    ok(!@faults, "$name finds what it wants") or diag @faults, "\n$text\n$plan";
}
done_testing;
