#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# No function over 60 lines, no .c over 500, no header over 150, no Perl module
# over 300; basenames are unique, since gdb and httpd's %F know only those.

use strict;
use warnings;
use FindBin;
use Test::More;

chdir "$FindBin::Bin/.." or die;
my @c = grep { -e } glob 'mod_acme_server.c src/*/*.c t/unit/*.c t/fuzz/*.c';

sub lines {
    open my $fh, '<', $_[0] or die "$_[0]: $!";
    return scalar(() = <$fh>);
}

sub check_lines {
    my ($limit, @files) = @_;
    for (grep { -e } @files) {
        cmp_ok(lines($_), '<=', $limit, "$_: at most $limit lines");
    }
}

check_lines(500, @c);
check_lines(150, glob 'src/*/*.h t/unit/*.h');
check_lines(300, glob 't/lib/*.pm t/faults/*');
check_lines(200, qw(README.md mod_acme_server.c));

my %functions;
for (`ctags --languages=C --c-kinds=f --fields=ne -o - @c`) {
    my ($name, $file) = split /\t/;
    my ($from, $to) = /\tline:(\d+)\tend:(\d+)/ or next;
    my $length = $to - $from + 1;
    $functions{$file}++;
    ok($length <= 60, "$file: $name has $length lines") if $length > 60;
}
ok($functions{$_}, "$_: ctags finds its functions")
    for grep { lines($_) > 40 && !/_loop_|test_/ } @c;

my %seen;
for (grep { -e } glob 'mod_acme_server.c src/*/*.[ch] t/unit/*.[ch]') {
    my ($base) = m{([^/]+)$};
    push @{ $seen{$base} }, $_;
}
for (sort keys %seen) {
    is(@{ $seen{$_} }, 1, "$_ is one file") if @{ $seen{$_} } > 1;
}
pass('basenames looked at');
done_testing;
